"""What callers ask of a generation, checked before anything is decoded."""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Sequence

from fastscore.errors import UsageError
from fastscore.model.arguments import half_pair, is_whole, whole
from fastscore.types import GenerationRequest, Sampling

# Logits divided by less than this overflow.
_LEAST_TEMPERATURE = 1e-3
_MOST = 1e3


def check_sampling(sampling: Sampling) -> None:
    """Raise UsageError for a value that is no number or outside of its range."""
    for name in ("temperature", "top_p", "min_p", "repeat_penalty"):
        value = getattr(sampling, name)
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise UsageError(f"{name} is {value!r:.60}, which is no number")
    whole("top_k", sampling.top_k, 0, 2**31 - 1, "it is a number of tokens, or 0 for all")
    whole("seed", sampling.seed, 0, 2**64 - 1, "it is from 0 to 2^64 - 1")
    temperature = sampling.temperature
    if temperature != 0 and not _LEAST_TEMPERATURE <= temperature <= _MOST:
        raise UsageError(
            f"temperature is {temperature}; it is 0 for the likeliest token each time, or from "
            f"{_LEAST_TEMPERATURE} to {_MOST:.0f}"
        )
    if not 0 < sampling.top_p <= 1:
        raise UsageError(f"top_p is {sampling.top_p}; it is above 0 and at most 1, which is all")
    if not 0 <= sampling.min_p <= 1:
        raise UsageError(f"min_p is {sampling.min_p}; it is from 0, which is all, to 1")
    penalty = sampling.repeat_penalty
    if not (math.isfinite(penalty) and 1 / _MOST <= penalty <= _MOST):
        raise UsageError(
            f"repeat_penalty is {penalty}; it is 1 for none, above 1 against repetition, and from "
            f"{1 / _MOST:g} to {_MOST:.0f}"
        )


def check_requests(requests: Sequence[GenerationRequest], max_length: int) -> None:
    """Raise UsageError for what cannot be generated, with its index if there are several."""
    for i, request in enumerate(requests):
        where = f"request {i}: " if len(requests) > 1 else ""
        if not isinstance(request.prompt, str):
            raise UsageError(f"{where}the prompt {request.prompt!r:.60} is no text")
        if not is_whole(request.max_tokens) or request.max_tokens < 1:
            raise UsageError(
                f"{where}max_tokens is {request.max_tokens!r:.60}; it is a whole number, at least 1"
            )
        if request.max_tokens >= max_length:
            raise UsageError(
                f"{where}max_tokens is {request.max_tokens} and the window {max_length} tokens, "
                f"which leaves no room for the prompt; choose at most {max_length - 1}"
            )
        check_stops(request.stop, where)
        if any(not is_whole(one) or not 0 <= one < 2**63 for one in request.samples):
            raise UsageError(f"{where}the sample numbers {request.samples} must be from 0 on")
        if len(set(request.samples)) < len(request.samples):
            raise UsageError(f"{where}a sample number stands twice in {request.samples}")


def check_stops(stop: Collection[str], where: str = "") -> None:
    """Raise UsageError for what is no list of stop texts."""
    if isinstance(stop, (str, bytes)):
        raise UsageError(f'{where}stop is one text, {stop!r:.60}; write stop=["..."]')
    # What can be gone through once only would be used up by now, and stop nothing.
    if not isinstance(stop, Collection):
        raise UsageError(
            f'{where}stop is {stop!r:.60}; write stop=["..."], or leave it out for none'
        )
    for text in stop:
        if not isinstance(text, str) or not text:
            raise UsageError(f"{where}stop holds {text!r:.60}; each is a text that is not empty")
        if half_pair(text):
            raise UsageError(
                f"{where}stop holds {text!r:.60}, in which half of a UTF-16 pair is no character"
            )
