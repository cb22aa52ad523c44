"""Texts for lm-eval: its ``generation_kwargs`` as what the engine is asked for, and the runs."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lm_eval.models.utils import handle_stop_sequences, normalize_gen_kwargs

from fastscore.errors import UsageError
from fastscore.formats.lm_eval.sampling import ROOM
from fastscore.model import Model
from fastscore.nearest import did_you_mean
from fastscore.types import GenerationRequest, Sampling

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_log = logging.getLogger(__name__)

_FILTERS = ("top_k", "top_p", "min_p", "repeat_penalty")
# Settings of transformers that change nothing at these values.
_IDLE: dict[str, tuple[Any, ...]] = {
    "num_beams": (1,),
    "repetition_penalty": (1,),
    "use_cache": (True, False),
    "skip_special_tokens": (True,),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the text after one prompt is to be written."""

    sampling: Sampling
    stop: tuple[str, ...]
    max_tokens: int


def read_wishes(
    requests: Sequence[Instance], model: Model, max_gen_toks: int, seed: int
) -> list[Wanted]:
    """Read how the text of each request is to be written; see `read_generation_kwargs`."""
    end, window = model.info.eos_text or None, model.settings.max_length
    return [
        read_generation_kwargs(request.args[1], max_gen_toks, seed, end, window)
        for request in requests
    ]


def read_generation_kwargs(
    given: Mapping[str, Any],
    max_gen_toks: int,
    seed: int,
    end: str | None = None,
    window: int | None = None,
) -> Wanted:
    """Read the ``generation_kwargs`` of a request, by lm-eval's own rules for them.

    Greedy unless ``do_sample`` or a ``temperature`` above 0 is there. ``max_gen_toks`` and
    ``seed`` stand in where the request names none. What is not given is off: other than in
    transformers, no ``top_k`` of 50 applies to a request that samples. ``end`` is what the EOS
    token spells: as with lm-eval's HF backend, a text that spells it in other tokens ends there
    too. ``window`` is the model's.

    Raises UsageError for a setting that the engine does not know or would carry out otherwise.
    """
    _check_kinds(given)
    kwargs = dict(normalize_gen_kwargs(dict(given), max_gen_toks))
    stop = handle_stop_sequences(kwargs.pop("until", None), eos=end)
    max_tokens = kwargs.pop("max_gen_toks")
    if window is not None and max_tokens >= window:
        raise UsageError(
            f"max_gen_toks is {max_tokens} and the window {window} tokens, which leaves no room "
            f"for the prompt; give at most {window - 1}, or a larger max_length"
        )
    samples = kwargs.pop("do_sample")
    temperature = kwargs.pop("temperature", 0.0)
    if samples and temperature == 0:
        raise UsageError(
            "generation_kwargs ask for do_sample at temperature 0; give a temperature such as 0.8, "
            "or leave do_sample out for the likeliest token each time"
        )
    filters = {name: kwargs.pop(name) for name in _FILTERS if kwargs.get(name) is not None}
    seed = kwargs.pop("seed", seed)
    for name, value in kwargs.items():
        if value is not None and value not in _IDLE.get(name, ()):
            raise UsageError(_refusal(name, value))
    sampling = (
        Sampling(temperature=temperature, seed=seed, **filters)
        if samples
        else Sampling(repeat_penalty=filters.get("repeat_penalty", 1.0))
    )
    return Wanted(sampling, tuple(dict.fromkeys(text for text in stop if text != "")), max_tokens)


def _check_kinds(given: Mapping[str, Any]) -> None:
    """Raise UsageError for a value that lm-eval's rules would stumble over, or take for another."""
    until = given.get("until", [])
    texts = until if isinstance(until, list) else [until]
    if not all(isinstance(text, str) for text in texts):
        raise UsageError(f"generation_kwargs have until: {until!r:.60}; give texts to stop at")
    if given.get("do_sample") not in (None, False, True):
        raise UsageError(
            f"generation_kwargs have do_sample: {given['do_sample']!r:.60}; give True or False"
        )
    temperature = given.get("temperature", 0.0)
    if not isinstance(temperature, (int, float)) or not 0 <= temperature < math.inf:
        raise UsageError(
            f"generation_kwargs have temperature: {temperature!r:.60}; give a number, 0 or more"
        )
    for name in ROOM:
        most = given.get(name)
        if most is not None and not (isinstance(most, int) and most >= 1):
            raise UsageError(
                f"generation_kwargs have {name}: {most!r:.60}; give a whole number, 1 or more"
            )


def _refusal(name: str, value: object) -> str:
    said = f"generation_kwargs have {name}: {value!r}"
    if name == "repetition_penalty":
        return (
            f"{said}, which lm-eval's HF backend applies to the whole text before a token; the "
            "engine has repeat_penalty, which looks at the last 64 tokens: write that if you want "
            "it, or leave it out"
        )
    if name in _IDLE:
        wanted = " or ".join(map(repr, _IDLE[name]))
        return f"{said}; the engine does it with {wanted} only: leave it out"
    if name in ("stop", "stop_sequences", "stop_strings"):
        return f"{said}; lm-eval's name of the texts to stop at is until"
    if name == "max_length":
        return f"{said}, which counts the prompt too; write max_gen_toks"
    known = ("until", "max_gen_toks", "do_sample", "temperature", *_FILTERS, "seed")
    return (
        f"{said}, which fastscore does not know; {did_you_mean(name, known, '')} "
        f"it takes {', '.join(known)}".replace("  ", " ")
    )


def write(
    model: Model, prompts: Sequence[str], wanted: Sequence[Wanted], n_parallel: int | None
) -> Iterator[tuple[int, str]]:
    """Write a text after each prompt; yield them as they end, with the number of their prompt.

    Prompts that are sampled alike are one run of the engine. The same request several times is one
    text where it is greedy, and as many samples where it is not.
    """
    groups: dict[Sampling, dict[tuple[str, Wanted], list[int]]] = {}
    for i, (prompt, wish) in enumerate(zip(prompts, wanted, strict=True)):
        groups.setdefault(wish.sampling, {}).setdefault((prompt, wish), []).append(i)
    for sampling, wishes in groups.items():
        yield from _run(model, sampling, wishes, n_parallel)


def _run(
    model: Model,
    sampling: Sampling,
    wishes: Mapping[tuple[str, Wanted], list[int]],
    n_parallel: int | None,
) -> Iterator[tuple[int, str]]:
    greedy = sampling.temperature == 0
    owners = list(wishes.values())
    requests = [
        GenerationRequest(
            prompt, (0,) if greedy else tuple(range(len(numbers))), wish.stop, wish.max_tokens
        )
        for (prompt, wish), numbers in wishes.items()
    ]
    run = model.generating(requests, sampling, n_parallel=n_parallel)
    if run.n_truncated:
        _log.warning(
            "%d of %d prompts leave no room in the window of %d tokens for the text and lost "
            "tokens from the left",
            run.n_truncated,
            len(requests),
            model.settings.max_length,
        )
    for step in run:
        for done in step:
            numbers = owners[done.request]
            for i in numbers if greedy else [numbers[done.sample]]:
                yield i, done.generation.text
