"""What results say of weights that were re-encoded for speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def weight_notes(weights: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence on ``results.model["weights"]``; nothing where the file's own ran.

    The values come from a file that may be anybody's: what is not as expected is left out.
    """
    kind, native, drift = weights.get("type"), weights.get("native_type"), weights.get("drift")
    if kind == "native" or not isinstance(kind, str) or not isinstance(native, str):
        return
    speedup = weights.get("speedup")
    quicker = f", {speedup:.1f} times as fast" if isinstance(speedup, float) else ""
    yield f"Weights ran as {kind} instead of the file's {native}{quicker}: {_spoken(drift)}."


def _spoken(drift: object) -> str:
    if not isinstance(drift, Mapping):
        return "what that changes was not measured"
    if isinstance(drift.get("reason"), str):
        return f"what that changes was not measured, {drift['reason']}"
    mean, most, items, changed = (
        drift.get(name) for name in ("mean", "max", "items", "predictions_changed")
    )
    if not isinstance(mean, float) or not isinstance(most, float):
        return "what that changes was not measured"
    return (
        f"on the first {items} items log-likelihoods differ by {mean:.2g} on average and "
        f"{most:.2g} at most, and {changed} of their predictions changed"
    )
