"""The README's examples, run: files are written, commands and programs give what is shown.

A block's language says what becomes of it: `python` is run and must print the `text` block after
it; the `$` lines of `console` must print the lines below them; a language followed by a file name
is that file. `sh` is for commands that are too long or need what is not here: only their options
are checked.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

README = Path(__file__).parents[1] / "README.md"
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
# Kernels of other processors round otherwise: an item may fall to the other side.
_TOLERANCE = 0.06
# An installed command starts beside its interpreter.
_SEARCH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


class Block(NamedTuple):
    language: str
    file: str | None
    text: str


class Example(NamedTuple):
    """A command line, and the output that the README shows."""

    command: list[str]
    output: str

    @property
    def tools(self) -> list[str]:
        """The tools that it needs beside fastscore."""
        return sorted({found for part in self.command for found in _TOOLS.findall(part)})


# What an adapter's example imports, as packages are called.
_TOOLS = re.compile(
    r"\b(?:fastscore\.integrations\.|(?:import|from) )"
    r"(lm_eval|deepeval|ragas|mlflow|opentelemetry|phoenix|deepchecks)\b"
)
# Each tool's own word for keeping to itself.
_NO_TELEMETRY = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PHOENIX_TELEMETRY_ENABLED": "false",
    "RAGAS_DO_NOT_TRACK": "true",
}

BLOCKS = [Block(m[1], m[2], m[3]) for m in _FENCE.finditer(README.read_text(encoding="utf-8"))]


def _examples() -> list[Example]:
    found = []
    for block, after in pairwise([*BLOCKS, Block("", None, "")]):
        if block.language == "python":
            shown = after.text if after.language == "text" else ""
            found.append(Example([sys.executable, "-c", block.text], shown))
        elif block.language == "console":
            for part in block.text.split("$ ")[1:]:
                command, _, shown = part.partition("\n")
                found.append(Example(shlex.split(command), shown))
    return found


EXAMPLES = _examples()


def differences(shown: str, printed: str) -> list[str]:
    """Compare lines: words exactly, fractions within the tolerance, ``...`` with anything."""
    expected, got = shown.rstrip().splitlines(), printed.rstrip().splitlines()
    found = [
        f"shown: {a}\ngot:   {b}" for a, b in zip(expected, got, strict=False) if not _alike(a, b)
    ]
    if len(expected) != len(got):
        found.append(f"{len(expected)} lines are shown and {len(got)} were printed:\n{printed}")
    return found


def _alike(shown: str, printed: str) -> bool:
    if shown.endswith("..."):
        return printed.startswith(shown.removesuffix("..."))
    if _NUMBER.sub("#", shown) != _NUMBER.sub("#", printed):
        return False
    numbers = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(a == b or ("." in a and _distance(a, b) <= _TOLERANCE) for a, b in numbers)


def _distance(a: str, b: str) -> float:
    return abs(float(a.replace(",", "")) - float(b.replace(",", "")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the files that the README shows."""
    folder = tmp_path_factory.mktemp("readme")
    for block in BLOCKS:
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
    return folder


def _name(example: Example) -> str:
    return " ".join(example.tools) or example.command[-1][:40].split("\n")[-1]


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.tools], ids=_name)
def test_examples_print_what_is_shown(example: Example, folder: Path, demo_model: Path) -> None:
    _run(example, folder)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.tools], ids=_name)
def test_examples_of_adapters(example: Example, folder: Path, demo_model: Path) -> None:
    for tool in example.tools:
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    _run(example, folder)


def _run(example: Example, folder: Path) -> None:
    environment = {
        **os.environ,
        **_NO_TELEMETRY,
        "FASTSCORE_CACHE": str(folder / "cache"),
        "PATH": _SEARCH,
    }
    done = subprocess.run(
        example.command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not differences(example.output, done.stdout), "\n".join(
        differences(example.output, done.stdout)
    )


def test_there_are_examples_of_each_kind() -> None:
    languages = {block.language for block in BLOCKS}
    assert {"python", "console", "sh", "yaml", "jsonl", "text"} <= languages
    assert len(EXAMPLES) >= 4
    assert all(example.output for example in EXAMPLES)


_OPTION = re.compile(r"--[a-z][a-z_-]+")


def _shell_lines() -> list[str]:
    """Commands in blocks and in sentences, without the variables that are set for them."""
    blocks = [line for b in BLOCKS if b.language == "sh" for line in b.text.splitlines()]
    sentences = re.findall(r"`(fastscore [a-z]+ [^`]*)`", README.read_text(encoding="utf-8"))
    return [re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line) for line in [*blocks, *sentences]]


def test_options_exist() -> None:
    lines = [line for line in _shell_lines() if line.startswith("fastscore ")]
    known = {command: _help(command) for command in {line.split()[1] for line in lines}}
    wanted = [(option, line) for line in lines for option in _OPTION.findall(line)]
    assert len(wanted) > 20
    missing = [
        line for option, line in wanted if option not in _OPTION.findall(known[line.split()[1]])
    ]
    assert missing == []
    anywhere = _OPTION.findall("".join(known.values()))
    spoken_of = re.findall(r"`(--[a-z][^`]*)`", README.read_text(encoding="utf-8"))
    assert len(spoken_of) > 20
    assert [one for one in spoken_of for o in _OPTION.findall(one) if o not in anywhere] == []


def test_options_of_adapters_exist() -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    from lm_eval._cli.harness import HarnessCLI

    lines = [line for line in _shell_lines() if line.startswith("fastscore-lm-eval ")]
    assert lines
    for line in lines:
        HarnessCLI()._parser.parse_args(["run", *shlex.split(line)[1:]])


def _help(command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "fastscore", command, "--help"],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_two_commands_are_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_comparison_of_outputs() -> None:
    shown = "task  0.5741  n 36\nWork: ..."
    assert not differences(shown, "task  0.5900  n 36\nWork: 3 tokens\n")
    assert differences(shown, "task  0.6741  n 36\nWork: 3 tokens")
    assert differences(shown, "task  0.5741  n 37\nWork: 3 tokens")
    assert differences(shown, "task  0.5741  n 36")
    assert differences(shown, "tusk  0.5741  n 36\nWork: 3 tokens")
