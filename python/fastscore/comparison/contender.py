"""What users hold against each other: model files, open models, results in memory or on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, Union

from fastscore.comparison.labels import ModelName, label_models
from fastscore.errors import UsageError
from fastscore.formats.saved import read_saved
from fastscore.machine import home_expanded
from fastscore.native import require_core
from fastscore.results import Results
from fastscore.results.files import RESULTS_FILE

if TYPE_CHECKING:
    from fastscore.model import Model

ContenderLike: TypeAlias = Union["Model", Results, str, "os.PathLike[str]"]
"""A model file, ``"demo"`` or ``"hf://..."``, an open model, results, or a directory of results, be
it fastscore's or lm-eval's."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """One side of a comparison that is asked for: results that are there, or a model to run.

    ``said`` is what the user wrote for it, for messages; ``file`` the model file that was named,
    links followed.
    """

    said: str
    name: ModelName
    results: Results | None
    model: Model | str | None
    file: Path | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a model that is opened, and closed again, by the comparison."""
        return isinstance(self.model, str)


def read_entrant(given: ContenderLike) -> Entrant:
    """Find out what was given, and whether it can be used; nothing is loaded of a model.

    Raises:
        UsageError: there is no such file, or it is no model.
        ModelError: the file is no GGUF file, or not whole.
        ResultsError: the results cannot be read.

    """
    if isinstance(given, Results):
        return _of_results(given, "results")
    if not isinstance(given, (str, os.PathLike)):
        info = given.info
        return Entrant(info.path, ModelName(info.path, info.quantisation), None, given)
    said = os.fspath(given)
    path = home_expanded(said)
    results = read_saved(path)
    if results is not None:
        return _of_results(results, said)
    inside = sorted(file.parent.name for file in path.glob(f"*/{RESULTS_FILE}"))
    if inside and not (path / RESULTS_FILE).exists():
        raise UsageError(
            f"{said} holds the results of several models ({', '.join(inside)}); name their folders "
            f"one by one, such as {path / inside[0]}"
        )
    if path.is_dir() and not list(path.glob("*.gguf")):
        raise UsageError(
            f"{said} is a directory with neither a {RESULTS_FILE} nor a model; a run writes the "
            "former at its end"
        )
    return _of_file(said)


def labels_of(entrants: Sequence[Entrant]) -> list[str]:
    """Name the sides; UsageError where two of them are the same file."""
    files: dict[Path, str] = {}
    for one in entrants:
        if one.file is None:
            continue
        if one.file in files:
            alike = "" if files[one.file] == one.said else f", as {files[one.file]}"
            raise UsageError(
                f"{one.said} is there twice{alike}, and a model does not differ from itself; name "
                "each file once"
            )
        files[one.file] = one.said
    return label_models([one.name for one in entrants])


def _of_results(results: Results, said: str) -> Entrant:
    model = results.model
    path = str(model.get("path") or model.get("name") or model["fingerprint"])
    return Entrant(said, ModelName(path, str(model.get("quantisation") or "")), results, None)


def _of_file(said: str) -> Entrant:
    require_core()
    from fastscore.model.locate import locate
    from fastscore.model.tensors import read_model

    path = locate(said).path
    read_model(path)  # one that is cut off must not be found out after hours with the others
    name = ModelName("demo" if said == "demo" else str(path))
    return Entrant(said, name, None, said, path.resolve())
