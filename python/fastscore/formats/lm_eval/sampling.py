"""How texts were written, in lm-eval's ``generation_kwargs``: what its models made of them.

The files hold what was asked for. Whether tokens were drawn at all depends on the model that was
asked too: where ``do_sample`` and ``temperature`` do not say the same, lm-eval's models follow the
one or the other. Read in the source of lm-eval 0.4.0 to 0.4.13.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fastscore.formats.lm_eval.items import NotUsableError
from fastscore.results import GenerationSummary
from fastscore.types import Sampling

# By lm-eval's names of its models. Those that go by both settings, since the release below.
_HUGGING_FACE = ("hf", "hf-auto", "huggingface")
_BY_BOTH = (*_HUGGING_FACE, "vllm", "trtllm")
_SINCE = (0, 4, 10)
# Those that send the temperature to a server, whatever ``do_sample`` says.
_BY_TEMPERATURE = (
    "local-completions",
    "local-chat-completions",
    "openai-completions",
    "openai-chat-completions",
    "azure-openai-chat-completions",
    "anthropic-chat",
    "anthropic-chat-completions",
    "sglang-generate",
)
# Those that take the likeliest token whatever is asked for.
_GREEDY = ("gguf", "ggml", "nemo_lm")
_OURS = ("fastscore", "FastscoreLM")

# What else decides on the next token, and where it changes nothing; a `Sampling` cannot say it.
_WITHOUT_A_WORD = {
    "num_beams": 1,
    "repetition_penalty": 1,
    "no_repeat_ngram_size": 0,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "typical_p": 1,
}
# The likeliest tokens that transformers draws from where nothing else is asked for.
_TOP_K = 50
ROOM = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""lm-eval's names of the most tokens of a text; the first one that is there holds."""

_USUAL_ROOM = 256


def written_sampling(summary: GenerationSummary) -> dict[str, Any]:
    """Return how texts were written, but for the stop texts, which results do not keep."""
    sampling = asdict(summary.sampling)
    del sampling["seed"]
    return {
        "do_sample": summary.sampling.temperature > 0,
        **sampling,
        "max_gen_toks": summary.max_tokens,
    }


def read_sampling(kwargs: Mapping[str, Any], backend: str, version: str) -> Sampling:
    """Return how tokens were picked by a model of lm-eval's, ``backend``, in that version.

    Raises NotUsableError where the files do not tell, or tell what a `Sampling` cannot say.
    """
    for name, idle in _WITHOUT_A_WORD.items():
        if kwargs.get(name) not in (None, idle):
            raise NotUsableError(
                f"its texts were written with {name} {kwargs[name]!r}, which fastscore does not do"
            )
    temperature = _temperature(kwargs, backend, _numbers_of(version))
    if temperature is None:
        raise NotUsableError(
            "whether its texts were drawn or are the likeliest ones cannot be told: "
            f"generation_kwargs have {_asked(kwargs)}, of which lm-eval's models make different "
            f"things, and this is {backend} in lm-eval {version}; run it with do_sample=True and "
            "a temperature above 0, or with neither"
        )
    penalty = _number(kwargs, "repeat_penalty", 1.0)
    if temperature == 0:
        return Sampling(repeat_penalty=penalty)
    usual = _TOP_K if backend in _HUGGING_FACE else 0
    return Sampling(
        temperature=temperature,
        top_k=max(0, int(_number(kwargs, "top_k", usual))),  # -1 is vLLM's word for off
        top_p=_number(kwargs, "top_p", 1.0),
        min_p=_number(kwargs, "min_p", 0.0),
        repeat_penalty=penalty,
    )


def read_max_tokens(kwargs: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    """Return the most tokens of a text: the task's, else the model's of ``config``, else 256."""
    model_args = config.get("model_args")
    if isinstance(model_args, str):
        model_args = dict(part.partition("=")[::2] for part in model_args.split(","))
    of_model = model_args if isinstance(model_args, dict) else {}
    for values, names in ((kwargs, ROOM), (config, ROOM[:1]), (of_model, ROOM[:1])):
        for name in names:
            if values.get(name) is not None:
                return int(_number(values, name, _USUAL_ROOM))
    return _USUAL_ROOM


def _temperature(kwargs: Mapping[str, Any], backend: str, version: tuple[int, ...]) -> float | None:
    """The temperature in force, 0 for the likeliest token; None where it cannot be told."""
    given = _number(kwargs, "temperature", 0.0)
    samples = kwargs.get("do_sample")
    if backend in _GREEDY:
        return 0.0
    if backend in _BY_TEMPERATURE:
        return given
    if given == 0:
        return 0.0 if samples in (None, False) else None
    if samples is True:
        return given
    if backend in _OURS or (backend in _BY_BOTH and version >= _SINCE):
        return {None: given, False: 0.0}.get(samples)
    # Earlier, transformers was told not to sample, or took the word of the model's own settings.
    return 0.0 if backend in _HUGGING_FACE and samples is False else None


def _asked(kwargs: Mapping[str, Any]) -> str:
    return " and ".join(
        f"{name} {kwargs[name]!r}" if name in kwargs else f"no {name}"
        for name in ("do_sample", "temperature")
    )


def _number(values: Mapping[str, Any], name: str, default: float) -> float:
    value = values.get(name)
    try:
        number = default if value is None else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or (number < 0 and name != "top_k"):
        raise NotUsableError(f"its texts were written with {name} {value!r}, which is no number")
    return number


def _numbers_of(version: str) -> tuple[int, ...]:
    """``0.4.13.dev0`` as (0, 4, 13); nothing of what is no version."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, found.group().split(".")))[:3] if found else ()
