"""A comparison on disk: ``comparison.json``, and the results of each model in a folder beside it.

The document holds all figures for other programs. Reading it back computes them again from the
results that it refers to, which are the better witness: they cannot contradict each other.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastscore.comparison.build import check_margin, compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import ALPHA, Candidate, Contender, Difference, Flip
from fastscore.errors import ResultsError, UsageError
from fastscore.results import Results
from fastscore.results.document import write_metric
from fastscore.results.fields import Fields, parse_object
from fastscore.results.files import RESULTS_FILE, write_document

if TYPE_CHECKING:
    from fastscore.distance import Divergence

COMPARISON_FILE = "comparison.json"
FORMAT_VERSION = 1
"""Raised when a reader of the former version would misread the new one."""

_LONGEST_FOLDER = 200
"""Characters. File systems take names of up to 255 bytes; a letter of another script makes nine."""

_SAFE_FOLDER = re.compile(r"[A-Za-z0-9%_~-][A-Za-z0-9%_.~-]*")


def to_document(
    comparison: Comparison, references: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, Any]:
    """Return the document; with ``references`` each model refers to its results, by label."""
    base = _contender(comparison.base, references)
    return {
        "format_version": FORMAT_VERSION,
        "margin": comparison.margin,
        "alpha": ALPHA,
        "tasks": None if comparison.tasks is None else list(comparison.tasks),
        "base": base,
        "candidates": [
            _contender(one, references) | _candidate(one) for one in comparison.candidates
        ],
        "warnings": list(comparison.warnings),
        "failures": list(comparison.failures),
        "method": list(comparison.method),
    }


def folder_of(label: str) -> str:
    """Return the name of a model's folder of results: safe on every file system."""
    name = quote(label, safe="", errors="backslashreplace")
    if len(name) > _LONGEST_FOLDER:
        whole = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = f"{name[: _LONGEST_FOLDER - 17]}-{whole}"
    if name.startswith(".") or name.casefold() == COMPARISON_FILE:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return name


def save(comparison: Comparison, directory: Path) -> Path:
    """Write the comparison; return the path of its ``comparison.json``."""
    references: dict[str, dict[str, str]] = {}
    for one in (comparison.base, *comparison.candidates):
        folder = folder_of(one.label)
        path = one.results.save(directory / folder)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        references[one.label] = {"folder": folder, "sha256": digest}
    return write_document(directory / COMPARISON_FILE, to_document(comparison, references))


def load(path: Path) -> Comparison:
    """Read a comparison back from its directory or its ``comparison.json``."""
    if path.is_dir():
        path = path / COMPARISON_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise ResultsError(
            f"there is no {path}. A comparison writes it at its end: start it again with the same "
            "arguments and it goes on where it stopped, or give the directory of another."
        ) from None
    except (OSError, ValueError) as error:
        raise ResultsError(f"{path} cannot be read: {error}.") from None
    document = parse_object(text, str(path))
    version = document.count("format_version")
    if not 1 <= version <= FORMAT_VERSION:
        raise ResultsError(
            f"{path} has format version {version}; this fastscore reads up to {FORMAT_VERSION}. "
            "Upgrade it: pip install --upgrade fastscore-gguf"
        )
    listed = document.list("candidates")
    if not listed or not all(isinstance(one, dict) for one in listed):
        raise document.wrong("candidates", "a list of at least one object")
    candidates = [
        _read_contender(path, Fields(one, f"{document.where}.candidates[{i}]"))
        for i, one in enumerate(listed)
    ]
    tasks = None if document.values.get("tasks") is None else document.texts("tasks")
    base = _read_contender(path, document.object("base"))
    comparison = compare_results(base, candidates, margin=_read_margin(document), tasks=tasks)
    distances = [_read_divergence(one) for one in listed]
    comparison = replace(
        comparison,
        candidates=tuple(
            replace(one, divergence=distance)
            for one, distance in zip(comparison.candidates, distances, strict=True)
        ),
    )
    # What went wrong beside the scores cannot be found out from them again.
    return comparison.without(document.texts("failures") if "failures" in document.values else ())


def _read_margin(document: Fields) -> float:
    margin = document.number_or_nan("margin")
    try:
        check_margin(margin)
    except UsageError:
        raise document.wrong("margin", "a number between 0 and 1") from None
    return margin


def _read_divergence(candidate: Mapping[str, Any]) -> Divergence | None:
    content = candidate.get("divergence")
    if content is None:
        return None
    from fastscore.distance import Divergence

    return Divergence.from_dict(content)


def _read_contender(path: Path, fields: Fields) -> Contender:
    reference = fields.object("results")
    folder = reference.text("folder")
    if not _SAFE_FOLDER.fullmatch(folder):
        raise reference.wrong("folder", "the name of a folder beside it")
    file = path.parent / folder / RESULTS_FILE
    results = Results.load(file)
    if hashlib.sha256(file.read_bytes()).hexdigest() != reference.text("sha256"):
        raise ResultsError(
            f"{file} is not the file that {path} was made from. Compare again: "
            f"fastscore compare with the folders in {path.parent}."
        )
    label, profile = fields.text("label"), fields.object_if_there("profile")
    if profile is None:
        return Contender(label, results)
    from fastscore.profiling import Profile

    return Contender(label, results, Profile.from_dict(profile.values))


def _contender(
    one: Contender, references: Mapping[str, Mapping[str, str]] | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "label": one.label,
        "model": dict(one.results.model),
        "profile": None if one.profile is None else one.profile.to_dict(),
    }
    if references is not None:
        document["results"] = dict(references[one.label])
    return document


def _candidate(one: Candidate) -> dict[str, Any]:
    return {
        "differences": [_difference(difference) for difference in one.differences],
        "flips": {task: [_flip(flip) for flip in flips] for task, flips in one.flips.items()},
        "divergence": None if one.divergence is None else one.divergence.to_dict(),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "task": one.task,
        "metric": one.metric,
        "n": one.n,
        "base": _number(one.base),
        "candidate": _number(one.candidate),
        "difference": _number(one.difference),
        "stderr": _number(one.stderr),
        "ci95": None if math.isnan(one.ci95[0]) else list(one.ci95),
        "p_value": _number(one.p_value),
        "p_holm": _number(one.p_holm),
        "equivalence_p": _number(one.equivalence_p),
        "equivalence_holm": _number(one.equivalence_holm),
        "n_gained": one.n_gained,
        "n_lost": one.n_lost,
        "verdict": one.verdict,
        "family": one.family,
        "gold_change": write_metric(one.gold_change),
        "margin_change": write_metric(one.margin_change),
        "n_total": one.n_total,
        "alpha": one.alpha,
    } | ({} if one.reason is None else {"reason": one.reason})


def _flip(flip: Flip) -> dict[str, Any]:
    """Return a flip without its texts, which are in the samples."""
    return {
        "doc_id": flip.doc_id,
        "gold": flip.gold[0] if len(flip.gold) == 1 else list(flip.gold),
        "base": _answer(flip.base_score, flip.base_pred, flip.base_probabilities),
        "candidate": _answer(
            flip.candidate_score, flip.candidate_pred, flip.candidate_probabilities
        ),
    }


def _answer(
    score: float, pred: int | None, probabilities: tuple[float, ...] | None
) -> dict[str, Any]:
    return {
        "score": score,
        "pred": pred,
        "probabilities": None if probabilities is None else list(probabilities),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
