"""The one metric of a task that a reader looks at first."""

from __future__ import annotations

from collections.abc import Iterable

from fastscore.errors import UsageError


def primary_metric(metrics: Iterable[str]) -> str:
    """Return ``acc_norm`` where a task reports it, else its first metric.

    Leaderboards quote the normalised accuracy of tasks that have one, and the only metric of most
    others; a comparison counts this one and shows the rest beside it.

    Raises:
        UsageError: there is no metric at all.

    """
    names = list(metrics)
    if not names:
        raise UsageError("there is no metric to choose from")
    return "acc_norm" if "acc_norm" in names else names[0]
