"""Score models side by side, on the same items in random order, until the comparison is decided."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastscore.comparison.build import compare_results
from fastscore.comparison.values import Contender, Difference
from fastscore.errors import FastscoreError, UsageError
from fastscore.evaluation.until import FirstItems, next_look, read_rule
from fastscore.machine import available_memory
from fastscore.results import GroupResult, Results, TaskResult
from fastscore.statistics.sequential import items_foreseen

if TYPE_CHECKING:
    from fastscore.model import Model

DECIDED = "decided"
"""The rule's name, in ``compare(until=...)`` and in results."""

_FIRST_LOOK = 64
"""Items. Models that differ so much that this shows it are rare, but looking costs little."""

_SHARE_OF_MEMORY = 0.5
"""That models may take when all of them stay open: contexts and results need room as well."""

Score = Callable[[FirstItems], Results]
"""Scores the first items of a model's tasks: `evaluate` with ``until`` left open."""


@dataclass(frozen=True, slots=True)
class Side:
    """A model that is to be compared, not yet scored."""

    label: str
    score: Score


def decide(
    base: Side, candidates: Sequence[Side], *, margin: float, notify: Callable[[str], object]
) -> tuple[list[Contender], dict[str, FastscoreError]]:
    """Score base and candidates until every comparison is decided.

    Returns what was scored, and what failed, by label. A candidate that fails, which ``notify`` is
    told of, takes nothing from the others: their intervals are those of fewer comparisons.

    A comparison, of a candidate with the base on a task or group asked for, is decided when the
    confidence sequence of the paired difference in the primary metric excludes 0, or lies within
    the margin. It is at the level 0.05 shared out over the comparisons (Bonferroni's correction:
    Holm's wants all p-values at the end), so that all of them are right with 95 % at whatever
    moment they end. What is not decided after the last item has been scored in full. The verdicts
    are those of `compare_results` on what is returned.

    At each look every side scores up to where its comparisons need it, the base as far as any of
    them. What was scored at an earlier look comes from the store, so ``score`` must use one, for
    the same tasks, seed and limit; it may open its model each time, or keep it open
    (`models_open`).

    Raises:
        ResultsError: the results are not about the same thing, found out at the first look.
        Whatever ``score`` raises, of the base, or of the first candidate to fail where all do.

    """
    sides = (base, *candidates)
    failed: dict[str, FastscoreError] = {}
    sizes: dict[str, dict[str, int]] = {one.label: {} for one in candidates}  # by task or group
    asked: dict[str, dict[str, int]] = {}
    results: dict[str, Results] = {}
    look = 0
    while True:
        for side in (one for one in sides if one.label not in failed):
            wanted = _largest(sizes.values()) if side is base else sizes[side.label]
            if asked.get(side.label) == wanted:
                continue
            asked[side.label] = dict(wanted)
            rule = FirstItems(DECIDED, dict(wanted), otherwise=_FIRST_LOOK, look=look)
            try:
                results[side.label] = side.score(rule)
            except FastscoreError as error:
                if side is base:
                    raise
                failed[side.label] = error
                if len(failed) == len(candidates):
                    raise next(iter(failed.values())) from None
                notify(f"{side.label} could not be scored: {error}")
                results.pop(side.label, None)
                del sizes[side.label]
        contenders = [Contender(label, one) for label, one in results.items()]
        comparison = compare_results(contenders[0], contenders[1:], margin=margin)
        goes_on = False
        for size, held in zip(sizes.values(), comparison.candidates, strict=True):
            for one in held.differences:
                if one.family:
                    n = held.results[one.task].n
                    size[one.task] = _next_size(one, held.results[one.task])
                    goes_on |= size[one.task] > n
        if not goes_on:
            return contenders, failed
        look += 1


def is_until_decided(options: Mapping[str, Any]) -> bool:
    """Say whether ``until`` is about differences; UsageError where it is no rule at all."""
    until = options.get("until")
    if until == DECIDED:
        return True
    try:
        read_rule(until)
    except UsageError as error:
        raise UsageError(
            f"{error}; or until={DECIDED!r}: until each difference is shown to be one, or to be "
            "smaller than the margin"
        ) from None
    return False


def check_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError for options of `evaluate` that deciding rules out."""
    if options.get("resume") is False:
        raise UsageError(
            "until='decided' scores a part of the items, looks, and goes on from what is in the "
            "store; resume=False (--no-resume) would begin anew at every look. Leave it out, or "
            "name another output directory, which has a store of its own"
        )
    told = [name for name in ("observers", "mlflow", "tracing") if options.get(name)]
    if told:
        raise UsageError(
            f"{', '.join(told)} cannot be used with until='decided': every look is a run of its "
            "own, and each would be told of. Log the results of the comparison afterwards instead"
        )


@contextmanager
def models_open(
    models: Sequence[Model | str], options: Mapping[str, Any]
) -> Iterator[list[Model | str]]:
    """Open all models together if memory allows, so that a look need not load any.

    Yields them in the order given; where there is no room for all, and for models that are not on
    this machine, as they were given: `evaluate` then opens them by turns. ``options`` are those of
    `Model`.
    """
    with ExitStack() as stack:
        together = _all_fit(models)
        yield [
            _opened(one, options, stack) if together and isinstance(one, str) else one
            for one in models
        ]


def _all_fit(models: Sequence[Model | str]) -> bool:
    from fastscore.model.locate import locate

    files = [one for one in models if isinstance(one, str)]
    if any(file.startswith("hf://") for file in files):
        return False
    n_bytes = sum(locate(file).path.stat().st_size for file in files)
    available = available_memory()
    return available is not None and n_bytes <= _SHARE_OF_MEMORY * available


def _opened(file: str, options: Mapping[str, Any], stack: ExitStack) -> Model | str:
    """Open a model; one that cannot be opened is left to `evaluate`, where it fails by itself."""
    from fastscore.model import Model

    try:
        return stack.enter_context(Model(file, **options))
    except FastscoreError:
        return file


def _largest(sizes: Collection[Mapping[str, int]]) -> dict[str, int]:
    """Return how far the base must go for all of its comparisons."""
    units = {unit for one in sizes for unit in one}
    return {unit: max(one.get(unit, 0) for one in sizes) for unit in sorted(units)}


def _next_size(one: Difference, scored: TaskResult | GroupResult) -> int:
    """Return how many items the candidate should have before the next look."""
    assert scored.stopping is not None
    n, n_total = scored.n, scored.stopping.n_total
    if n == n_total or one.verdict in ("better", "worse", "equivalent"):
        return n
    if one.alpha is None or one.verdict == "undefined":
        return n_total  # nothing can be decided before the end
    # Differences lie in [-1, 1]; the plug-in variance of the sequence starts with one of size 1.
    squares = 0.0 if math.isnan(one.stderr) else (one.stderr * n) ** 2
    variance = (squares + 1) / (n + 1)
    distances = (abs(one.difference), one.margin - abs(one.difference))
    foreseen = min(items_foreseen(each, variance, n_total, one.alpha) for each in distances)
    return next_look(n, foreseen, n_total, steps=5)
