"""When a run that need not score all items has scored enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fastscore.errors import UsageError
from fastscore.generation_settings import GenerationSettings
from fastscore.statistics.sequential import confidence_sequence, items_foreseen
from fastscore.tasks import AnyTask, GenerationTask

ALPHA = 0.05
"""The chance that the interval misses at any look what all items would give."""

_LEAST_WAVE = 32
"""Items: a look costs a plan and the end of a batch, which fewer would not be worth."""


class Rule(Protocol):
    """When a task or group has enough items.

    ``text`` names the rule in results. ``half_width`` is what the interval of the primary metric
    is to reach, None where nothing is said of it.
    """

    @property
    def text(self) -> str:
        """The rule's name."""

    @property
    def half_width(self) -> float | None:
        """The half width to be reached."""

    @property
    def look(self) -> int:
        """How often a run of this rule has been looked at before, from outside."""

    def next_size(self, unit: str, values: Sequence[float], n_total: int) -> int:
        """Return how many items to have before the next look, at least as many as there are.

        ``values`` are the scores so far of the task or group ``unit``, in random order, NaN where
        undefined. The run of this unit ends when it has so many already.
        """


@dataclass(frozen=True, slots=True)
class HalfWidth:
    """Go on until the interval of the primary metric is ``value -+ half_width`` or narrower."""

    text: str
    half_width: float
    look: int = 0

    def next_size(self, unit: str, values: Sequence[float], n_total: int) -> int:
        """See `Rule`; an undefined score, which makes the mean undefined, never ends a run."""
        n = len(values)
        if n == 0:
            return min(
                n_total,
                max(_LEAST_WAVE, items_foreseen(self.half_width, 1 / 4, n_total, ALPHA) // 8),
            )
        if n == n_total or any(map(math.isnan, values)):
            return n_total
        sequence = confidence_sequence(values, n_total, ALPHA, half_width=self.half_width)
        if sequence.half_width <= self.half_width:
            return n
        # As the sequence foresees it: with one more value, as far off as can be.
        variance = (float(np.var(values)) * n + 1 / 4) / (n + 1)
        foreseen = items_foreseen(self.half_width, variance, n_total, ALPHA)
        return next_look(n, foreseen, n_total)


@dataclass(frozen=True, slots=True)
class FirstItems:
    """Score so many items of each task or group: where someone else looks at them and decides.

    Attributes:
        text: The rule's name in results.
        sizes: Numbers of items by task or group.
        otherwise: The number for those that are not named.
        look: How often they were looked at before; only the first time says what is ahead.

    """

    text: str
    sizes: Mapping[str, int]
    otherwise: int
    look: int = 0
    half_width: float | None = None

    def next_size(self, unit: str, values: Sequence[float], n_total: int) -> int:
        """See `Rule`."""
        return min(n_total, self.sizes.get(unit, self.otherwise))


def next_look(n: int, foreseen: int, n_total: int, steps: int = 16) -> int:
    """Return how many items to have at the next look, after one at ``n``.

    Numbers double until shortly before the foreseen end, and go on in small steps from there: so
    few looks that the prefixes which items share are hardly ever decoded again, and few items
    beyond what is needed. ``steps`` says how small: a 16th of the items.
    """
    near = 3 * foreseen // 4
    more = min(2 * n, near) if n < near else n + max(n, foreseen) // steps
    return min(n_total, max(more, n + _LEAST_WAVE))


def read_rule(given: str | Rule | None) -> Rule | None:
    """Read ``ci=0.02``; UsageError for anything else, with what is allowed."""
    if given is None or isinstance(given, (HalfWidth, FirstItems)):
        return given
    allowed = (
        "give ci=H, such as ci=0.02: go on until the 95 % interval is the value -+ H or narrower, "
        "0 < H < 0.5, as a fraction and not in per cent"
    )
    if not isinstance(given, str):
        raise UsageError(f"until is {given!r}; {allowed}")
    name, _, number = given.replace(" ", "").partition("=")
    if name == "decided":
        raise UsageError(
            "until is 'decided', which is about the difference of two models: it is for compare; "
            + allowed
        )
    try:
        half_width = float(number) if name == "ci" else math.nan
    except ValueError:
        half_width = math.nan
    if not 0 < half_width < 0.5:
        raise UsageError(f"until is {given!r}; {allowed}")
    return HalfWidth(f"ci={half_width:g}", half_width)


def check_scores(tasks: Sequence[AnyTask], settings: GenerationSettings) -> None:
    """Raise UsageError for tasks that will have no score to stop at."""
    unscored = [t.name for t in tasks if isinstance(t, GenerationTask) and t.executes_code]
    if unscored and not settings.allow_code_execution:
        raise UsageError(
            f"until needs scores, and {', '.join(unscored)} has none as long as the programs that "
            "the model writes are not run. Allow it with --allow-code-execution (in Python "
            "allow_code_execution=True), or leave until out"
        )
