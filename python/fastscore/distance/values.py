"""What a comparison of two models' distributions found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from fastscore.errors import ResultsError

Positions = Literal["second half of each window", "continuations", "whole texts", "mixed"]
"""Which positions were compared: see `Divergence.positions`."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its standard error; what is undefined is NaN, and ``reason`` says why."""

    value: float
    stderr: float
    reason: str | None = None


@dataclass(frozen=True)
class Divergence:
    """How far a candidate's next-token distributions are from the base's, over the same tokens.

    The figures are those of ``llama-perplexity --kl-divergence``, under its names; every position
    counts alike, and the standard errors take positions as independent of each other, as it does.
    Where it prints per cent, these are fractions.

    Attributes:
        base: File name of the model that is held to be right.
        candidate: File name of the model that is compared with it.
        source: What was read: the name of a text file, ``text``, or the number of texts.
        positions: Whose distributions were compared. ``second half of each window``: those before
            the tokens of the second half of each window of ``n_ctx`` tokens, as llama-perplexity
            takes them. ``continuations``: before each token of the continuations, as scoring takes
            them. ``whole texts``: before each token but the first. ``mixed``: of the last two.
        n: Positions compared.
        n_ctx: Tokens of a window, None where texts were read one by one.
        n_texts: Windows, or texts.
        n_truncated: Texts that lost tokens from the left to fit the models' window.
        tokens_decoded: By each model.
        ppl: Perplexity of the right tokens under the candidate, PPL(Q).
        ppl_base: Likewise under the base.
        correlation: Of the right tokens' log-probabilities, Cor(ln(PPL(Q)), ln(PPL(base))).
        ln_ppl_ratio: Mean ln(PPL(Q)/PPL(base)): how much less the candidate knows, in nats a token.
        ppl_ratio: PPL(Q)/PPL(base).
        ppl_difference: PPL(Q)-PPL(base).
        kld: Mean KL(base || candidate), in nats.
        kld_quantiles: Of the positions' divergences: maximum, 99.9 %, ..., minimum.
        dp: Mean change of the right token's probability, Δp.
        dp_quantiles: Of the positions' changes.
        dp_rms: Root of the mean square of Δp.
        same_top: Share of positions at which both find the same token most probable.
        seconds: Spent on ``plan``, ``base``, ``candidate`` and ``compare``.
        notes: What a reader must know, in whole sentences.

    """

    base: str
    candidate: str
    source: str
    positions: Positions
    n: int
    n_ctx: int | None
    n_texts: int
    n_truncated: int
    tokens_decoded: int
    ppl: Estimate
    ppl_base: Estimate
    correlation: Estimate
    ln_ppl_ratio: Estimate
    ppl_ratio: Estimate
    ppl_difference: Estimate
    kld: Estimate
    kld_quantiles: Mapping[str, float]
    dp: Estimate
    dp_quantiles: Mapping[str, float]
    dp_rms: Estimate
    same_top: Estimate
    seconds: Mapping[str, float] = field(compare=False)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        from fastscore.distance.table import to_text

        return to_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: NaN is None, infinities are ``"inf"`` and ``"-inf"``."""
        out: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, Estimate):
                reason = {} if value.reason is None else {"reason": value.reason}
                value = {"value": _plain(value.value), "stderr": _plain(value.stderr)} | reason
            elif isinstance(value, Mapping):
                value = {name: _plain(number) for name, number in value.items()}
            elif isinstance(value, tuple):
                value = list(value)
            out[one.name] = value
        return out

    @classmethod
    def from_dict(cls, content: Any) -> Divergence:
        """Read back what `to_dict` gave; ResultsError for anything else."""
        if not isinstance(content, dict):
            raise ResultsError(f"a divergence is an object, not {type(content).__name__}")
        read = {}
        for one in fields(cls):
            if one.name not in content:
                raise ResultsError(f"a divergence has no {one.name!r}")
            try:
                read[one.name] = _READERS[str(one.type)](content[one.name])
            except (TypeError, ValueError, KeyError, OverflowError) as error:
                raise ResultsError(
                    f"{one.name!r} of a divergence cannot be read: {content[one.name]!r} ({error})"
                ) from error
        return cls(**read)


def _plain(number: float) -> float | str | None:
    if math.isnan(number):
        return None
    return str(number) if math.isinf(number) else float(number)


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("not a number")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("not a count")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _positions(value: Any) -> Positions:
    if value not in get_args(Positions):
        raise ValueError(f"not one of {', '.join(get_args(Positions))}")
    return value  # type: ignore[no-any-return]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise TypeError("not a list")
    return tuple(map(_text, value))


def _estimate(value: Any) -> Estimate:
    value = _object(value)
    reason = value.get("reason")
    return Estimate(
        _number(value["value"]),
        _number(value["stderr"]),
        None if reason is None else _text(reason),
    )


_READERS: dict[str, Any] = {
    "str": _text,
    "int": _count,
    "int | None": lambda value: None if value is None else _count(value),
    "Positions": _positions,
    "Estimate": _estimate,
    "Mapping[str, float]": lambda value: {k: _number(v) for k, v in _object(value).items()},
    "tuple[str, ...]": _texts,
}
