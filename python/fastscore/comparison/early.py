"""Differences between runs that stopped early: on which items, drawn in which order, how sure.

A run that looks at its scores and stops when it likes has no p-values: McNemar's test and the
others are about a number of items that was chosen beforehand. What holds instead is a confidence
sequence of the paired differences, over the items in the random order that they were drawn in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from fastscore.comparison.measuring import Pairs
from fastscore.comparison.pairing import Pairing
from fastscore.comparison.values import Verdict
from fastscore.evaluation.units import Place, Unit, random_order
from fastscore.results import Results
from fastscore.results.stopping import Stopping
from fastscore.statistics.means import MetricValue
from fastscore.statistics.sequential import confidence_sequence

_OTHER_ORDERS = (
    "the two runs stopped early after drawing their items in different random orders, so the items "
    "they share are no random part of all; run both with the same seed, tasks and limit"
)
_GAPS = (
    "items are missing or differ within the part that was scored before the runs stopped early, so "
    "what is left is no random part of all"
)
_NO_BOUNDS = "the number of items was not chosen beforehand, and log-likelihoods have no bounds"


@dataclass(frozen=True, slots=True)
class Drawn:
    """The items that two runs share, in the random order they were drawn in, of ``n_total``.

    ``fault`` says why they are no random part of all; there is no interval then.
    """

    pairs: Pairs
    n_total: int
    fault: str | None = None

    def spoken(self, alpha: float) -> str:
        """Say what the figures are about, and why there is no p-value."""
        return (
            f"scored on {len(self.pairs):,} of {self.n_total:,} items in random order, after which "
            "a run stopped early. A number of items that was not chosen beforehand has no p-value, "
            "nor do changes of log-likelihoods have an interval then; "
            f"the interval ({100 * (1 - alpha):.4g} % for this comparison) is of the difference "
            f"over all {self.n_total:,} items and holds whenever one looks"
        )

    def change(self, found: MetricValue) -> MetricValue:
        """Take the interval off a change of log-likelihoods.

        Student's is for a number of items chosen beforehand, and a confidence sequence needs
        values with bounds.
        """
        nothing = math.nan, math.nan
        return found if math.isnan(found.value) else replace(found, ci95=nothing, reason=_NO_BOUNDS)

    def interval(self, metric: str, alpha: float) -> tuple[float, float]:
        """Return the interval of the mean difference of all items, NaN where undefined.

        With probability ``1 - alpha`` this one holds, and so do those of all earlier looks.
        """
        scores = [(base.scores[metric], other.scores[metric]) for base, other in self.pairs]
        differences = [other.value - base.value for base, other in scores]
        if self.fault is not None or any(map(math.isnan, differences)):
            return math.nan, math.nan
        if not differences:
            return -1.0, 1.0
        return confidence_sequence(differences, self.n_total, alpha, bounds=(-1, 1)).interval


def drawn_items(
    base: Results, candidate: Results, tasks: Sequence[str], pairings: Mapping[str, Pairing]
) -> Drawn | None:
    """Return the shared items of ``tasks``, which are one task or those of a group, as drawn.

    None where neither run stopped early: then all items are there.
    """
    early = [
        (results, stopping)
        for results in (base, candidate)
        for task in tasks
        if (stopping := results.tasks[task].stopping) is not None and stopping.early
    ]
    if not early:
        return None
    pairs = [pair for task in tasks for pair in pairings[task].pairs]
    orders = {_order_of(*one) for one in early}
    if None in orders or len(orders) > 1:
        return Drawn(pairs, len(pairs), _OTHER_ORDERS)
    (order,) = orders
    assert order is not None
    inside = set(tasks)
    places = [place for place in _places(order) if place.task in inside]
    found = {(task, pair[0].doc_id): pair for task in tasks for pair in pairings[task].pairs}
    first = [found.get((place.task, place.index)) for place in places[: len(pairs)]]
    complete = [pair for pair in first if pair is not None]
    fault = None if len(complete) == len(pairs) else _GAPS
    return Drawn(complete, len(places), fault)


def verdict_of(interval: tuple[float, float], margin: float) -> Verdict:
    """Say what an interval of the difference decides: its sign, or that it is small."""
    low, high = interval
    if math.isnan(low):
        return "undefined"
    if low > 0 or high < 0:
        return "better" if low > 0 else "worse"
    return "equivalent" if max(-low, high) < margin else "no difference found"


@dataclass(frozen=True, slots=True)
class _Order:
    """What decides a random order."""

    unit: Unit
    sizes: tuple[int, ...]
    seed: int

    def arguments(self) -> tuple[Unit, dict[str, int], int]:
        return self.unit, dict(zip(self.unit.tasks, self.sizes, strict=True)), self.seed


@lru_cache(maxsize=4)
def _places(order: _Order) -> tuple[Place, ...]:
    """Return all items as drawn; kept, as each task of a large group asks for the same."""
    return tuple(random_order(*order.arguments()))


def _order_of(results: Results, stopping: Stopping) -> _Order | None:
    """Return the order that a task's items were drawn in; None where the results contradict it."""
    name = stopping.unit
    tasks = results.groups[name].tasks if name in results.groups else (name,)
    records = [results.tasks[task].stopping if task in results.tasks else None for task in tasks]
    sizes = tuple(record.n_total for record in records if record is not None)
    return _Order(Unit(name, tasks), sizes, stopping.seed) if len(sizes) == len(tasks) else None
