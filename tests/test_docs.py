"""What the pages name is there: files, headings, modules, benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SOURCE = re.compile(r"(?<![\w.])[a-z_/]*[a-z_]\.(?:py|cpp|sh)\b")
_SOURCES = [
    path.relative_to(ROOT)
    for folder in ("python", "csrc", "tests", "benchmarks", "scripts")
    for path in (ROOT / folder).rglob("*.*")
]


def _code(page: Path) -> list[str]:
    """What a page has between backticks, outside of its blocks."""
    return _CODE.findall(_FENCED.sub("", page.read_text(encoding="utf-8")))


def _anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(page.read_text(encoding="utf-8")):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), f"{target}#{anchor}"


def test_source_files_exist() -> None:
    """By any end of their path, as pages about one folder name its files."""
    named = {name for page in PAGES for one in _code(page) for name in _SOURCE.findall(one)}
    assert len(named) > 50
    endings = {
        "/".join(path.parts[start:]) for path in _SOURCES for start in range(len(path.parts))
    }
    assert named - endings == set()


def test_modules_and_their_names_exist() -> None:
    """``fastscore.integrations.phoenix``, and what stands in a module behind the last dot."""
    pattern = re.compile(r"\bfastscore((?:\.\w+)+)")
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    dotted = {tuple(one[1:].split(".")) for one in pattern.findall(text)}
    assert len(dotted) > 10
    assert [parts for parts in dotted if not _is_there(parts)] == []


def _is_there(parts: tuple[str, ...]) -> bool:
    file = (ROOT / "python" / "fastscore").joinpath(*parts)
    if file.is_dir() or any(file.with_suffix(end).exists() for end in (".py", ".pyi")):
        return True
    module = file.parent / "__init__.py"
    if not module.exists():
        module = file.parent.with_suffix(".py")
    return module.exists() and bool(re.search(rf"\b{parts[-1]}\b", module.read_text("utf-8")))


def test_benchmarks_exist() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    modules = set(re.findall(r"python -m benchmarks\.(\w+)", text))
    assert len(modules) > 15
    assert [name for name in modules if not (ROOT / "benchmarks" / f"{name}.py").exists()] == []
    files = set(re.findall(r"pytest (benchmarks/\w+\.py)", text))
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
