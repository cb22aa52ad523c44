"""From the tokens' values to the figures of ``llama-perplexity --kl-divergence``.

The formulas are those of llama.cpp's ``tools/perplexity/perplexity.cpp`` (``kl_divergence``): means
with the standard error ``sqrt((mean(x^2) - mean(x)^2) / (n - 1))``, perplexities and ratios by the
delta method with the covariance of both models' losses, quantiles interpolated linearly between
order statistics. Differences of two quantities are taken token by token here, which is the same
algebra and cannot go below zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastscore.distance.values import Estimate

Values = npt.NDArray[np.float64]

KLD_QUANTILES = {
    "maximum": 1.0,
    "99.9%": 0.999,
    "99%": 0.99,
    "95%": 0.95,
    "90%": 0.9,
    "median": 0.5,
    "10%": 0.1,
    "5%": 0.05,
    "1%": 0.01,
    "0.1%": 0.001,
    "minimum": 0.0,
}
DP_QUANTILES = {
    "maximum": 1.0,
    "99.9%": 0.999,
    "99%": 0.99,
    "95%": 0.95,
    "90%": 0.9,
    "75%": 0.75,
    "median": 0.5,
    "25%": 0.25,
    "10%": 0.1,
    "5%": 0.05,
    "1%": 0.01,
    "0.1%": 0.001,
    "minimum": 0.0,
}


@dataclass(frozen=True, slots=True)
class TokenValues:
    """What is known of each position, all of shape [n].

    ``kl`` in nats, ``base`` and ``candidate`` the natural log-probabilities of the right token.
    """

    kl: Values
    base: Values
    candidate: Values
    same_top: npt.NDArray[np.bool_]


def figures(values: TokenValues) -> dict[str, Estimate | dict[str, float]]:
    """Return the figures under the names of `Divergence`; at least one position."""
    loss, base_loss = -values.candidate, -values.base
    dp = np.exp(values.candidate) - np.exp(values.base)
    ln_ppl = _mean(loss, "a right token has no probability at all under the candidate")
    ln_ppl_base = _mean(base_loss, "a right token has no probability at all under the base")
    ppl, ppl_base = _exp(ln_ppl), _exp(ln_ppl_base)
    with np.errstate(invalid="ignore"):  # two infinite losses have no difference
        ratio = _mean(loss - base_loss, _first_reason(ln_ppl, ln_ppl_base))
    return {
        "ppl": ppl,
        "ppl_base": ppl_base,
        "correlation": _correlation(loss, base_loss, ln_ppl, ln_ppl_base),
        "ln_ppl_ratio": ratio,
        "ppl_ratio": _exp(ratio),
        "ppl_difference": _difference(loss, base_loss, ppl, ppl_base),
        "kld": _mean(
            values.kl, "the candidate rules out a token that has probability under the base"
        ),
        "kld_quantiles": quantiles(values.kl, KLD_QUANTILES),
        "dp": _mean(dp, ""),
        "dp_quantiles": quantiles(dp, DP_QUANTILES),
        "dp_rms": _root_mean_square(dp),
        "same_top": _share(values.same_top),
    }


def quantiles(values: Values, wanted: dict[str, float]) -> dict[str, float]:
    """Order statistics, interpolated linearly in between."""
    ordered = np.sort(values)
    found = {}
    for name, fraction in wanted.items():
        at = fraction * (len(ordered) - 1)
        below = math.floor(at)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        weight = at - below
        # Infinite neighbours do not weigh nothing, and their difference is no number.
        found[name] = float(low if weight == 0 or low == high else low + weight * (high - low))
    return found


def _mean(x: Values, infinite: str | None) -> Estimate:
    """Mean and standard error; ``infinite`` says why a value may be infinite."""
    if not np.isfinite(x).all():
        undefined = bool(np.isnan(x).any())
        mean = math.nan if undefined or len(set(np.sign(x[np.isinf(x)]))) > 1 else float(x.mean())
        return Estimate(mean, math.nan, infinite)
    mean = float(x.mean())
    if len(x) < 2:
        return Estimate(mean, math.nan, _ALONE)
    return Estimate(mean, math.sqrt(float(np.mean((x - mean) ** 2)) / (len(x) - 1)))


_ALONE = "a single position has no standard error"


def _exp(log: Estimate) -> Estimate:
    try:
        value = math.exp(log.value)
    except OverflowError:
        return Estimate(math.inf, math.nan, log.reason or "the perplexity exceeds 1e308")
    return Estimate(value, value * log.stderr, log.reason)


def _first_reason(*estimates: Estimate) -> str | None:
    return next((one.reason for one in estimates if one.reason is not None), None)


def _difference(loss: Values, base_loss: Values, ppl: Estimate, ppl_base: Estimate) -> Estimate:
    reason = _first_reason(ppl, ppl_base)
    difference = ppl.value - ppl_base.value  # NaN where both are infinite
    if not (math.isfinite(ppl.stderr) and math.isfinite(ppl_base.stderr)):
        return Estimate(difference, math.nan, reason)
    return Estimate(difference, _mean(ppl.value * loss - ppl_base.value * base_loss, None).stderr)


def _correlation(
    loss: Values, base_loss: Values, ln_ppl: Estimate, ln_ppl_base: Estimate
) -> Estimate:
    """llama-perplexity gives it no standard error."""
    reason = _first_reason(ln_ppl, ln_ppl_base)
    if reason is not None:
        return Estimate(math.nan, math.nan, reason)
    spread = ln_ppl.stderr * ln_ppl_base.stderr
    if spread == 0:
        return Estimate(math.nan, math.nan, "every right token is equally probable to a model")
    covariance = float(np.mean((loss - loss.mean()) * (base_loss - base_loss.mean())))
    return Estimate(covariance / (len(loss) - 1) / spread, math.nan)


def _root_mean_square(dp: Values) -> Estimate:
    square = _mean(dp**2, None)
    root = math.sqrt(square.value)
    if root == 0:
        return Estimate(0.0, 0.0 if len(dp) > 1 else math.nan, square.reason)
    return Estimate(root, 0.5 / root * square.stderr, square.reason)


def _share(hits: npt.NDArray[np.bool_]) -> Estimate:
    share = float(hits.mean())
    if len(hits) < 2:
        return Estimate(share, math.nan, _ALONE)
    return Estimate(share, math.sqrt(share * (1 - share) / (len(hits) - 1)))
