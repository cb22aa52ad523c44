"""Grammars that generated texts must keep: GBNF as given, or made of a JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fastscore.errors import UsageError
from fastscore.model.arguments import half_pair

# llama.cpp reads groups and rules by recursion, and the stack of a thread is small on some systems.
_MOST_NESTED = 200
_MOST_RULES = 2000
# Texts in quotes, character classes and comments, in which brackets mean nothing; then what counts.
_PARTS = re.compile(
    r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|#[^\n]*'
    r"|(?P<open>\()|(?P<close>\))|(?P<rule>::=)|\{\s*(?P<least>\d+)\s*,\s*(?P<most>\d+)\s*\}",
    re.DOTALL,
)

# The converter lets control characters into strings, which JSON does not; for patterns, quotes too.
_ANY_CHARACTER = re.compile(r'^(char|dot) ::= (?:\[\^"\\\\\]|\[\^\\x0A\\x0D\])', re.MULTILINE)
_PLAIN_CHARACTER = r'[^"\\\x7F\x00-\x1F]'


def gbnf(grammar: str | None, json_schema: Mapping[str, Any] | str | None) -> str | None:
    """The GBNF grammar that was asked for, if one was.

    A schema is converted by llama-cpp-python's port of llama.cpp's own converter, which leaves out
    what it does not know (bounds of numbers, for one). Raises UsageError for both at once, for what
    cannot be converted, and for what llama.cpp would not survive.
    """
    if grammar is not None and json_schema is not None:
        raise UsageError("give either grammar or json_schema, not both")
    if json_schema is not None:
        grammar = _of_schema(json_schema)
    if grammar is not None:
        _check(grammar)
    return grammar


def _of_schema(schema: Mapping[str, Any] | str) -> str:
    from llama_cpp.llama_grammar import json_schema_to_gbnf

    try:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        rules = str(json_schema_to_gbnf(text))
        return _ANY_CHARACTER.sub(lambda rule: f"{rule[1]} ::= {_PLAIN_CHARACTER}", rules)
    except Exception as error:  # the converter raises whatever its input leads it to
        raise UsageError(
            f"json_schema {schema!r:.200} cannot be made into a grammar: "
            f"{type(error).__name__}: {error}"
        ) from error


def _check(grammar: str) -> None:
    """Refuse what would overflow llama.cpp's stack or keep it busy for ever."""
    if not isinstance(grammar, str):
        raise UsageError(f"grammar is {grammar!r:.60}; give GBNF as a text, with a rule `root`")
    if half := half_pair(grammar):
        raise UsageError(f"the grammar holds {half!r}, half of a UTF-16 pair")
    if not grammar.strip() or "\0" in grammar:
        raise UsageError("the grammar is empty or holds a zero byte; give GBNF with a rule `root`")
    nested = n_rules = 0
    for part in _PARTS.finditer(grammar):
        nested += bool(part["open"]) - bool(part["close"])
        n_rules += bool(part["rule"])
        if nested > _MOST_NESTED:
            raise UsageError(f"the grammar nests groups more than {_MOST_NESTED} deep; name some")
        if n_rules > _MOST_RULES:
            raise UsageError(f"the grammar has more than {_MOST_RULES} rules; make it smaller")
        if part["least"] and int(part["least"]) > int(part["most"]):
            raise UsageError(
                f"the grammar repeats from {part['least']} to {part['most']} times; the first "
                "number must not be the larger one"
            )
