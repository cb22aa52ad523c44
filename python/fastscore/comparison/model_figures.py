"""What is said of models beside their scores: distance of distributions, cost on the machine.

This comes after hours of scoring. What cannot be measured then is a failure that the comparison
names: it is worth having without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fastscore.comparison.comparison import Comparison
from fastscore.comparison.contender import Entrant
from fastscore.comparison.values import Candidate, Contender
from fastscore.distance import divergence
from fastscore.distance.divergence import read_text
from fastscore.distance.prompts import prompts_of
from fastscore.errors import FastscoreError, UsageError
from fastscore.evaluation.items import items_of
from fastscore.evaluation.request import TaskLike, open_model
from fastscore.machine import home_expanded
from fastscore.profiling.measure import profile
from fastscore.progress import Progress
from fastscore.settings import ModelOptions

if TYPE_CHECKING:
    from fastscore.model import Model
    from fastscore.profiling import Profile

Watcher = bool | Callable[[Progress], object] | None
TASKS = "tasks"
"""In place of a text file: the tasks' own prompts."""

USUAL_WINDOW = 512
"""Tokens into which a text is cut, as by llama-perplexity; fewer for models that read fewer."""


def check_text(text: str | os.PathLike[str] | None) -> Path | None:
    """Return the file to compare distributions on; None for none, and for the tasks' prompts.

    Raises:
        UsageError: there is no such file, or it is no text.

    """
    if text is None or os.fspath(text) == TASKS:
        return None
    path = home_expanded(text)
    if not path.is_file():
        raise UsageError(
            f"there is no file {text} to compare distributions on; give a text file, or {TASKS!r} "
            "for the tasks' own prompts"
        )
    read_text(path)  # after hours of scoring is too late to hear of it
    return path


def with_divergences(
    comparison: Comparison,
    entrants: Sequence[Entrant],
    text: Path | None,
    tasks: Sequence[TaskLike],
    options: Mapping[str, Any],
    progress: Watcher,
) -> Comparison:
    """Add how far each candidate's distributions are from the base's, over the same tokens.

    ``entrants`` are the models, base first. Without a ``text`` the tasks' own prompts are read, of
    the items that both have scored; ``options`` are those of `evaluate` and of `Model`.
    """
    about_items = {k: v for k, v in options.items() if k in signature(items_of).parameters}
    candidates: list[Candidate] = []
    failures: list[str] = []
    for entrant, candidate in zip(entrants[1:], comparison.candidates, strict=True):
        try:
            with ExitStack() as stack:
                base = _opened(entrants[0], options, stack)
                other = _opened(entrant, options, stack)
                only = _scored_by_both(comparison.base, candidate)
                read = text or prompts_of(items_of(base, tasks, only=only, **about_items))
                longest = min(base.settings.max_length, other.settings.max_length)
                n_ctx = min(USUAL_WINDOW, longest)
                found = divergence(base, other, read, n_ctx=n_ctx, progress=progress)
            candidates.append(replace(candidate, divergence=found))
        except FastscoreError as error:
            failures.append(f"{candidate.label}: distributions were not compared: {_ended(error)}")
            candidates.append(candidate)
    return replace(comparison, candidates=tuple(candidates)).without(failures)


def with_profiles(
    comparison: Comparison,
    entrants: Sequence[Entrant],
    options: Mapping[str, Any],
    progress: Watcher,
) -> Comparison:
    """Add what each model costs on this machine: time, memory, energy.

    The base's profile chooses tests that do not take too long; the others repeat these.
    """
    failures: list[str] = []
    found: list[Profile | None] = []
    for entrant, one in zip(entrants, (comparison.base, *comparison.candidates), strict=True):
        assert entrant.model is not None
        asked = ("n_threads", "n_gpu_layers", "weights")
        known = {name: options[name] for name in asked if name in options}
        known |= _same_tests(found[0]) if found else {}
        try:
            found.append(profile(entrant.model, progress=progress, **known))
        except FastscoreError as error:
            failures.append(f"{one.label}: its cost was not measured: {_ended(error)}")
            found.append(None)
    return replace(
        comparison,
        base=replace(comparison.base, profile=found[0]),
        candidates=tuple(
            replace(one, profile=measured)
            for one, measured in zip(comparison.candidates, found[1:], strict=True)
        ),
    ).without(failures)


def _scored_by_both(base: Contender, candidate: Contender) -> dict[str, set[int]]:
    """Return the rows by task: a run that stopped early has but a few of them."""
    rows = [
        {
            name: {sample.doc_id for sample in task.samples}
            for name, task in one.results.tasks.items()
        }
        for one in (base, candidate)
    ]
    return {task: rows[0][task] & rows[1].get(task, set()) for task in rows[0]}


def _same_tests(first: Profile | None) -> dict[str, Any]:
    """Return the arguments that repeat a profile's two headline tests."""
    tests = (first.prefill, first.decode) if first is not None else (None, None)
    if tests[0] is None or tests[1] is None:
        return {}
    return {
        "n_prompt": tests[0].workload.n_prompt,
        "n_gen": tests[1].workload.n_gen,
        "repetitions": max(len(one.samples) for one in tests if one is not None),
    }


def _ended(error: FastscoreError) -> str:
    return f"{str(error).rstrip('.')}."


def _opened(entrant: Entrant, options: Mapping[str, Any], stack: ExitStack) -> Model:
    assert entrant.model is not None
    chosen: dict[str, Any] = {}
    if entrant.is_file:
        chosen = {k: v for k, v in options.items() if k in ModelOptions.__annotations__}
    return open_model(entrant.model, cast("ModelOptions", chosen), stack)
