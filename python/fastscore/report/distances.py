"""How far the candidates' distributions are from the base's, a row a figure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastscore.comparison.comparison import Comparison
from fastscore.distance.values import Divergence, Estimate

_FIGURES = (
    ("mean KL divergence, nats", "kld", 1.0, 5),
    ("same most probable token, %", "same_top", 100.0, 2),
    ("mean change of the right token's probability, %", "dp", 100.0, 3),
    ("root mean square of it, %", "dp_rms", 100.0, 3),
    ("perplexity", "ppl", 1.0, 3),
    ("perplexity of the base", "ppl_base", 1.0, 3),
    ("ln of the perplexities' ratio", "ln_ppl_ratio", 1.0, 5),
)
"""Heading, attribute, factor, digits: what llama-perplexity prints, in its units."""

_QUANTILES = ("median", "99%", "99.9%", "maximum")


@dataclass(frozen=True, slots=True)
class DistanceTable:
    """A column a candidate that was measured; ``about`` says on what."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    about: tuple[str, ...]


def distances(comparison: Comparison | None) -> DistanceTable | None:
    """Return the figures; None where no distance was measured."""
    measured = {
        candidate.label: candidate.divergence
        for candidate in comparison or ()
        if candidate.divergence is not None
    }
    if not measured:
        return None
    rows = [
        (heading, tuple(_shown(getattr(one, name), factor, digits) for one in measured.values()))
        for heading, name, factor, digits in _FIGURES
    ]
    for name in _QUANTILES:
        values = [one.kld_quantiles.get(name, math.nan) for one in measured.values()]
        rows.append((f"KL divergence, {name}", tuple(_number(x, 5) for x in values)))
    about = dict.fromkeys(line for one in measured.values() for line in (_about(one), *one.notes))
    return DistanceTable(tuple(measured), tuple(rows), tuple(about))


def _about(one: Divergence) -> str:
    return f"{one.n:,} positions ({one.positions}) of {one.source}."


def _shown(one: Estimate, factor: float, digits: int) -> str:
    value = _number(factor * one.value, digits)
    if math.isnan(one.stderr) or math.isnan(one.value):
        return value
    return f"{value} ± {_number(factor * one.stderr, digits)}"


def _number(value: float, digits: int) -> str:
    return "n/a" if math.isnan(value) else f"{value:,.{digits}f}"
