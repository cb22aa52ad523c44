"""What a run says of itself where it was allowed to end before all items were scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fastscore.results.fields import Fields

_MAX_ITEMS = 10_000_000
"""Of a task or group: the order of so many can still be worked out."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """How many items a task or group got, and what they say of the value of all.

    Attributes:
        rule: What the run was to go on for: ``ci=0.02``, or ``decided`` in a comparison.
        unit: The task or group that the rule was about: this one, or the group it is part of.
        metric: The metric that the interval is of.
        n: Items scored. They are the first ones of a random order of all.
        n_total: Items there are.
        interval: For the value that all items would give. With probability ``1 - alpha`` every
            interval that the run looked at holds, so that it was free to choose when to stop.
            Where all items are scored both ends are the value; NaN where that is undefined.
        alpha: The chance of a miss that was put up with.
        seed: With names and numbers of items it decides the random order.

    """

    rule: str
    unit: str
    metric: str
    n: int
    n_total: int
    interval: tuple[float, float]
    alpha: float
    seed: int

    @property
    def early(self) -> bool:
        """Whether some items were left out, because the rule was met without them."""
        return self.n < self.n_total

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for ``results.json``."""
        undefined = math.isnan(self.interval[0])
        return {
            "rule": self.rule,
            "unit": self.unit,
            "metric": self.metric,
            "n": self.n,
            "n_total": self.n_total,
            "early": self.early,
            "interval": None if undefined else [float(end) for end in self.interval],
            "alpha": self.alpha,
            "seed": self.seed,
        }

    @classmethod
    def from_fields(cls, fields: Fields, n: int) -> Stopping:
        """Read it back, of a result over ``n`` items; ResultsError where something is wrong."""
        found = cls(
            rule=fields.text("rule"),
            unit=fields.text("unit"),
            metric=fields.text("metric"),
            n=fields.count("n"),
            n_total=fields.count("n_total"),
            interval=fields.interval("interval"),
            alpha=fields.number_or_nan("alpha"),
            seed=fields.seed("seed"),
        )
        if found.n != n:
            raise fields.wrong("n", f"{n}, the number of items scored")
        if not max(n, 1) <= found.n_total <= _MAX_ITEMS:
            raise fields.wrong("n_total", f"{n} (the items scored) to {_MAX_ITEMS:,}")
        if not 0 < found.alpha < 1:
            raise fields.wrong("alpha", "a number between 0 and 1")
        return found


def spoken(stopping: Stopping) -> str:
    """Say in a sentence that a task or group stopped early, or that it could not."""
    total = f"{stopping.n_total:,}"
    if not stopping.early:
        return f"all {total} items were scored before the rule {stopping.rule} was met"
    met = (
        "the comparison was decided"
        if stopping.rule == "decided"
        else f"{stopping.metric} was known as exactly as asked for"
    )
    return (
        f"stopped early ({stopping.rule}), after {stopping.n:,} of {total} items in random order, "
        f"when {met}. The intervals hold for the values that all {total} items would give, "
        "whenever one looks; stderr is of the items scored, as if their number had been chosen "
        "beforehand"
    )
