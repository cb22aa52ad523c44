"""Imports point one way: from the command line down to plain values, never back."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "python" / "fastscore"

# A part may import the parts of lines above its own, and nothing of its own line or below.
LAYERS = (
    ("errors",),
    ("closing", "types", "machine", "nearest", "sizes", "jinja_limits", "_core", "_sandbox"),
    ("native", "storage", "bounded_jinja", "progress", "generation_settings", "metrics"),
    ("settings", "tokenise", "sandbox", "reporters", "statistics", "plots"),
    ("fewshot", "chat", "datasets"),
    ("model", "tasks", "results"),
    ("assistant", "embedding", "observing", "formats"),
    ("integrations",),
    ("evaluation", "doctor", "distance", "profiling"),
    ("comparison",),
    ("report",),
    ("cli",),
    ("__main__",),
)
# A tracker takes the report of a run along, when that has ended and nothing else needs the tracker.
UPWARD = {("integrations/mlflow/runs.py", "report")}
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}


class Import(NamedTuple):
    """A line of ``part`` that imports ``wanted``."""

    part: str
    wanted: str
    where: str


def _part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py").removesuffix(".pyi")


def _wanted(node: ast.AST, path: Path) -> Iterator[str]:
    """Name the parts of fastscore that a statement imports."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.startswith("fastscore."):
                yield alias.name.split(".")[1]
            elif alias.name == "fastscore":
                yield "(all of it)"
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{path}:{node.lineno}: relative imports hide the direction"
        if node.module == "fastscore":
            yield from (alias.name for alias in node.names)
        elif node.module and node.module.startswith("fastscore."):
            yield node.module.split(".")[1]


def _imports() -> Iterator[Import]:
    for path in sorted(ROOT.rglob("*.py")):
        if path == ROOT / "__init__.py":
            continue  # the front door leads everywhere, and nobody inside uses it
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for wanted in _wanted(node, path):
                line = getattr(node, "lineno", 0)
                yield Import(_part(path), wanted, f"{path.relative_to(ROOT)}:{line}")


def test_every_part_has_its_place() -> None:
    parts = {_part(path) for path in ROOT.rglob("*.py")} - {"__init__"}
    assert parts <= set(LEVEL), f"add {sorted(parts - set(LEVEL))} to LAYERS"


def test_imports_point_one_way() -> None:
    found = list(_imports())
    assert len(found) > 100  # the walk sees something
    wrong = [
        f"{one.where}: {one.part} imports {one.wanted}"
        for one in found
        if one.wanted != one.part
        and LEVEL.get(one.wanted, 99) >= LEVEL[one.part]
        and (one.where.partition(":")[0], one.wanted) not in UPWARD
    ]
    assert wrong == []


def test_only_the_model_knows_llama_cpp() -> None:
    users = {
        _part(path)
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(a.name == "llama_cpp" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llama_cpp"))
    }
    assert users == {"model"}


@pytest.mark.parametrize("module", ["fastscore", "fastscore.cli"])
def test_importing_is_light(module: str) -> None:
    """What takes long to import waits until it is used."""
    heavy = {"numpy", "llama_cpp", "pyarrow", "jinja2", "tokenizers", "huggingface_hub", "sqlite3"}
    code = f"import sys, {module}; print(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_everything_public_can_be_imported() -> None:
    import fastscore

    for name in fastscore.__all__:
        assert getattr(fastscore, name) is not None
    assert set(fastscore.__all__) <= set(dir(fastscore))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = fastscore.nothing
