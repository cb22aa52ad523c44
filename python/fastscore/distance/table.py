"""A divergence as text, in the order and under the names of ``llama-perplexity``."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping

from fastscore.distance.values import Divergence, Estimate
from fastscore.sizes import counted

_WIDTH = 100


def to_text(divergence: Divergence) -> str:
    """Return all figures as plain text, undefined ones with the reason."""
    return "\n".join(_lines(divergence))


def _lines(d: Divergence) -> Iterator[str]:
    yield f"Distance of {d.candidate} from {d.base}"
    yield f"  {_reading(d)}: {counted(d.n, 'position')}"
    yield ""
    rows = [
        ("PPL, candidate", d.ppl, 1),
        ("PPL, base", d.ppl_base, 1),
        ("correlation of ln PPL", d.correlation, 100),
        ("ln(PPL candidate / PPL base)", d.ln_ppl_ratio, 1),
        ("PPL candidate / PPL base", d.ppl_ratio, 1),
        ("PPL candidate - PPL base", d.ppl_difference, 1),
        ("KL divergence, mean (nats)", d.kld, 1),
        ("Δp of the right token, mean", d.dp, 100),
        ("Δp of the right token, RMS", d.dp_rms, 100),
        ("same most probable token", d.same_top, 100),
    ]
    for name, estimate, scale in rows:
        yield f"  {name:<30}{_estimate(estimate, scale)}"
    yield ""
    yield from _quantiles("KL divergence (nats)", d.kld_quantiles, 1)
    yield from _quantiles("Δp of the right token (%)", d.dp_quantiles, 100)
    reasons = dict.fromkeys(e.reason for _, e, _ in rows if e.reason)
    notes = [*d.notes, *(f"Undefined: {reason}." for reason in reasons)]
    if d.n_truncated:
        notes.append(f"{counted(d.n_truncated, 'text')} lost tokens from the left to fit.")
    for note in notes:
        yield from textwrap.wrap(note, _WIDTH, subsequent_indent="  ")


def _reading(d: Divergence) -> str:
    if d.n_ctx is not None:
        return f"{d.source}, {counted(d.n_texts, 'window')} of {d.n_ctx} tokens, second halves"
    return f"{d.source}, {d.positions}"


def _estimate(estimate: Estimate, scale: int) -> str:
    unit = " %" if scale == 100 else ""
    digits = 3 if scale == 100 else 6
    value = _number(estimate.value * scale, digits)
    if math.isnan(estimate.stderr):
        return f"{value:>13}{unit}"
    return f"{value:>13} ± {estimate.stderr * scale:.{digits}f}{unit}"


def _number(number: float, digits: int) -> str:
    return "undefined" if math.isnan(number) else f"{number:.{digits}f}"


def _quantiles(title: str, values: Mapping[str, float], scale: int) -> Iterator[str]:
    digits = 3 if scale == 100 else 6
    cells = [(name, _number(value * scale, digits)) for name, value in values.items()]
    widths = [max(len(name), len(text)) for name, text in cells]
    yield f"  {title}"
    for side in (0, 1):
        line = "  ".join(
            f"{cell[side]:>{width}}" for cell, width in zip(cells, widths, strict=True)
        )
        yield f"    {line}"
