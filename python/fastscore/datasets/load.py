"""Rows of a benchmark, wherever they are, in the layout of its hub dataset."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

from fastscore.datasets.checksum import sha256_of
from fastscore.datasets.directory import find_files
from fastscore.datasets.hub import fetch_split
from fastscore.datasets.layouts import AS_IT_STANDS, LAYOUTS
from fastscore.errors import DataError, UsageError
from fastscore.types import DataSource, LoadedRows, Origin, Role

DATA_VARIABLE = "FASTSCORE_DATA"
"""Environment variable that names the data directory where no argument does."""

_PACKAGED = {"mini": "mini.jsonl"}

_Rows = Sequence[Mapping[str, Any]]


class _Found(NamedTuple):
    """The files that hold the wanted rows, and what the origin shall say of them."""

    kind: Literal["file", "hub", "package"]
    files: Sequence[Path]
    location: str
    commit: str | None = None
    notes: tuple[str, ...] = ()
    named_outright: bool = False


def load_rows(
    source: DataSource,
    role: Role,
    *,
    data_dir: Path | None = None,
    file: Path | None = None,
    offline: bool | None = None,
) -> LoadedRows:
    """Load the rows that a benchmark is scored on (``eval``) or draws its shots from (``fewshot``).

    They come from ``file`` where one is named; else, for the packaged sample set, from the
    package; else from the data directory (``data_dir``, or the variable ``FASTSCORE_DATA``) where
    there is one; else from an installed package that has them; else from the hub. A directory
    without the file is an error, not a download. ``offline`` None means: as ``HF_HUB_OFFLINE``
    says.

    Rows are in file order and in the field layout of the hub's dataset, whatever the file has;
    ``source.where`` keeps a part of them. A source whose ``benchmark`` has no layout is a user's
    own: its fields stay as they are.

    Raises UsageError for a path that does not exist and for few-shot rows of a benchmark that has
    none, DataError for what cannot be read as rows, DownloadError for what the hub does not give.
    """
    with ExitStack() as stack:
        found = _find(source, role, data_dir, file, offline, stack)
        files = tuple(found.files)
        # One file may serve many tasks: 57 MMLU subjects parse it once.
        read = _read_once if source.where else _read
        rows = read(source.benchmark, files, tuple(map(_stamp, files)))
        chosen = _choose(rows, _selection(source, role), found)
        layout = LAYOUTS.get(source.benchmark, AS_IT_STANDS)
        beside = [one for path in files for one in layout.companions(path)]
        origin = Origin(
            kind=found.kind,
            location=found.location,
            sha256=sha256_of(*files, *beside),
            n_rows=len(chosen),
            revision=found.commit,
            notes=(
                *found.notes,
                *layout.notes(chosen),
                *(() if found.named_outright else _count_note(source, role, len(chosen))),
            ),
        )
    return LoadedRows(chosen, origin)


def _find(
    source: DataSource,
    role: Role,
    data_dir: Path | None,
    file: Path | None,
    offline: bool | None,
    stack: ExitStack,
) -> _Found:
    if file is not None:
        if not Path(file).is_file():
            wrong = f"{file} is a directory" if Path(file).is_dir() else f"there is no file {file}"
            raise UsageError(f"{wrong}; give a file of rows: JSONL, JSON, CSV or parquet")
        return _Found("file", [Path(file)], str(file), named_outright=True)
    if source.benchmark in _PACKAGED:
        name = _PACKAGED[source.benchmark]
        resource = resources.files("fastscore") / "data" / name
        path = stack.enter_context(resources.as_file(resource))
        return _Found("package", [path], f"fastscore/data/{name}")
    option = "--rows" if role == "eval" else "--fewshot-rows"
    split = source.eval_split if role == "eval" else source.fewshot_split
    if split is None:
        raise UsageError(
            f"{source.benchmark} has no rows to draw few-shot examples from; "
            f"name a file of them with {option} TASK=FILE, or use no shots"
        )
    directory = data_dir or os.environ.get(DATA_VARIABLE)
    if directory:
        return _find_below(Path(directory), source, role, option)
    if role == "eval" and source.installed_file is not None:
        installed = _find_installed(source.installed_file)
        if installed is not None:
            return installed
    if source.hub_repo is None:
        raise UsageError(f"{source.benchmark} needs a file of rows: {option} TASK=FILE")
    fetched = fetch_split(source.hub_repo, source.hub_config, split, offline=offline)
    location = _described([f"{source.hub_repo}/{name}" for name in fetched.names])
    return _Found("hub", fetched.files, location, fetched.commit, fetched.notes)


def _find_installed(name: str) -> _Found | None:
    """Find a file of a package without importing the package, whose code nobody asked to run."""
    package, _, inner = name.partition("/")
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, inner)
        if path.is_file():
            return _Found("package", [path], f"{name}, installed")
    return None


def _find_below(directory: Path, source: DataSource, role: Role, option: str) -> _Found:
    patterns = source.eval_files if role == "eval" else source.fewshot_files
    files = find_files(directory, patterns)
    if not files:
        hub = (
            f", or leave --data and {DATA_VARIABLE} away to fetch {source.hub_repo} from the hub"
            if source.hub_repo
            else ""
        )
        raise DataError(
            f"no {'rows' if role == 'eval' else 'few-shot rows'} of {_name(source)} below "
            f"{directory}: looked for {', '.join(patterns) or 'no names'} (plain, .gz, .bz2, .zst "
            f"or .xz); name a file with {option} TASK=FILE{hub}"
        )
    return _Found("file", files, _described([str(file) for file in files]))


def _read(benchmark: str, files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> _Rows:
    """Read and normalise all rows of the files; ``stamps`` let a cache see that one changed."""
    layout = LAYOUTS.get(benchmark, AS_IT_STANDS)
    rows = [layout.normalise(record) for file in files for record in layout.read(file)]
    if not rows:
        raise DataError(f"{_described([str(file) for file in files])} has no rows")
    return rows


_read_once = lru_cache(maxsize=2)(_read)


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


def _selection(source: DataSource, role: Role) -> Mapping[str, Any]:
    if source.benchmark in _PACKAGED:
        # One file holds both the items and the examples.
        split = source.eval_split if role == "eval" else source.fewshot_split
        return {"split": split, **source.where}
    return source.where


def _choose(rows: _Rows, where: Mapping[str, Any], found: _Found) -> list[dict[str, Any]]:
    """Keep the rows whose fields have the wanted values; copies, so that a cache stays clean.

    Whoever names a file outright says what it holds: there a row without the field is kept.
    """
    for name, value in where.items():
        if not found.named_outright and any(name not in row for row in rows):
            raise DataError(
                f"{found.location}: rows without {name!r}, by which {value!r} is chosen; "
                "name the file outright if all its rows belong to it"
            )
    kept = rows
    for name, value in where.items():
        kept = [row for row in kept if row.get(name, value) == value]
    if not kept:
        wanted = ", ".join(f"{name} {value!r}" for name, value in where.items())
        there = sorted({", ".join(str(row.get(name)) for name in where) for row in rows})
        raise DataError(
            f"{found.location} has no rows of {wanted}; it has {', '.join(there)[:1500]}"
        )
    return [{**where, **row} for row in kept]


def _count_note(source: DataSource, role: Role, count: int) -> tuple[str, ...]:
    expected = source.n_eval if role == "eval" else source.n_fewshot
    if expected is None or count == expected:
        return ()
    use = "scores" if role == "eval" else "draws its shots from"
    note = (
        f"{_name(source)}: {count} rows, but the published split that lm-eval {use} has "
        f"{expected}; such scores compare only with scores on the same rows."
    )
    return (note,)


def _name(source: DataSource) -> str:
    parts = (source.benchmark, *source.where.values())
    return " ".join(map(str, parts if source.where else (source.hub_config or source.benchmark,)))


def _described(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
