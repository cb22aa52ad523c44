"""The examples of README and docs, run: commands and programs give what is shown.

A block's language says what becomes of it: `python` is run and must print the `text` block after
it; the `$` lines of `console` must print the lines below them; a language followed by a file name
is that file; files and outputs of a page are those of its own folder. `sh` is for commands that are
too long or need what is not here: they are parsed and not run.
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
from typing import Any, NamedTuple

import pytest
import typer

from fastscore.cli.app import app

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
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


class Page(NamedTuple):
    path: Path
    text: str
    blocks: list[Block]

    @classmethod
    def read(cls, path: Path) -> Page:
        text = path.read_text(encoding="utf-8")
        return cls(path, text, [Block(m[1], m[2], m[3]) for m in _FENCE.finditer(text)])


class Example(NamedTuple):
    """A command line, and the output that its page shows."""

    name: str
    page: Path
    command: list[str]
    output: str

    @property
    def tools(self) -> list[str]:
        """The tools that it needs beside fastscore."""
        return sorted({found for part in self.command for found in _TOOLS.findall(part)})


# What an example imports beside fastscore, as packages are called.
_TOOLS = re.compile(
    r"\b(?:fastscore\.integrations\.|(?:import|from) )"
    r"(lm_eval|deepeval|ragas|mlflow|opentelemetry|phoenix|deepchecks|pandas)\b"
)
# Each tool's own word for keeping to itself.
_NO_TELEMETRY = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PHOENIX_TELEMETRY_ENABLED": "false",
    "RAGAS_DO_NOT_TRACK": "true",
}

PAGES = [Page.read(path) for path in [README, *sorted((ROOT / "docs").rglob("*.md"))]]


def _examples(page: Page) -> list[Example]:
    found: list[tuple[list[str], str]] = []
    for block, after in pairwise([*page.blocks, Block("", None, "")]):
        if block.language == "python":
            shown = after.text if after.language == "text" else ""
            found.append(([sys.executable, "-c", block.text], shown))
        elif block.language == "console":
            for part in block.text.split("$ ")[1:]:
                command, _, shown = part.partition("\n")
                found.append((shlex.split(command), shown))
    return [
        Example(f"{page.path.stem}-{number}", page.path, command, shown)
        for number, (command, shown) in enumerate(found, 1)
    ]


EXAMPLES = [example for page in PAGES for example in _examples(page)]


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
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """By page, a directory with the files that the page shows."""
    folders = {page.path: tmp_path_factory.mktemp(page.path.stem) for page in PAGES}
    for page in PAGES:
        for block in page.blocks:
            if block.file:
                (folders[page.path] / block.file).write_text(block.text, encoding="utf-8")
    return folders


def _name(example: Example) -> str:
    return "-".join([example.name, *example.tools])


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.tools], ids=_name)
def test_examples_print_what_is_shown(
    example: Example, folders: dict[Path, Path], demo_model: Path
) -> None:
    _run(example, folders[example.page])


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.tools], ids=_name)
def test_examples_of_adapters(
    example: Example, folders: dict[Path, Path], demo_model: Path
) -> None:
    for tool in example.tools:
        if importlib.util.find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed")
    _run(example, folders[example.page])


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
    languages = {block.language for page in PAGES for block in page.blocks}
    assert {"python", "console", "sh", "yaml", "jsonl", "text"} <= languages
    assert len({example.page for example in EXAMPLES}) > 1
    assert all(example.output for example in EXAMPLES)


def test_the_readme_has_an_example_of_each_adapter() -> None:
    shown = {tool for example in EXAMPLES if example.page == README for tool in example.tools}
    assert {"lm_eval", "deepeval", "ragas", "mlflow", "opentelemetry"} <= shown
    # Deepchecks' own needs no Deepchecks.
    assert "fastscore.formats.deepchecks" in README.read_text(encoding="utf-8")


_OPTION = re.compile(r"(?<!\S)--[a-z][a-z_-]+")


def _shell_lines() -> list[str]:
    """Commands in blocks, without the variables that are set for them."""
    lines = [
        line
        for page in PAGES
        for block in page.blocks
        if block.language == "sh"
        for line in block.text.splitlines()
    ]
    return [re.sub(r"^(?:[A-Z_]+=\S+ )+", "", line) for line in lines]


def _commands() -> dict[str, Any]:
    """The commands of ``fastscore`` by name: click's, of which newer Typers bring their own."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def test_command_lines_parse() -> None:
    lines = [shlex.split(line) for line in _shell_lines() if line.startswith("fastscore ")]
    assert len(lines) > 10
    for _, command, *arguments in lines:
        _commands()[command].make_context(command, arguments)
    with pytest.raises(Exception, match="--taks"):
        _commands()["run"].make_context("run", ["demo", "--taks", "mini"])


def test_options_exist() -> None:
    """Those that sentences speak of, of a command or by themselves."""
    known = {
        name: {option for one in command.params for option in [*one.opts, *one.secondary_opts]}
        for name, command in _commands().items()
    }
    text = "".join(page.text for page in PAGES)
    spoken_of = re.findall(r"`fastscore ([a-z]+) ([^`]*)`", text)
    wanted = [(name, option) for name, rest in spoken_of for option in _OPTION.findall(rest)]
    assert len(wanted) > 10
    assert [(name, option) for name, option in wanted if option not in known[name]] == []
    alone = set(_OPTION.findall(" ".join(re.findall(r"`(--[a-z][^`]*)`", text))))
    assert len(alone) > 15
    assert alone - set.union({"--help"}, *known.values()) == set()


def test_options_of_adapters_exist() -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    from lm_eval._cli.harness import HarnessCLI

    lines = [line for line in _shell_lines() if line.startswith("fastscore-lm-eval ")]
    assert lines
    for line in lines:
        HarnessCLI()._parser.parse_args(["run", *shlex.split(line)[1:]])


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
