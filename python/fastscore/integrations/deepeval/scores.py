"""G-Eval's score with the probability of each score that could have been given.

G-Eval (Liu et al. 2023, https://arxiv.org/abs/2303.16634) weights scores by their probabilities.
DeepEval asks a model for them as for an OpenAI completion with log-probabilities of tokens.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from typing import Any

from openai.types.chat import ChatCompletion, ChatCompletionMessage, ChatCompletionTokenLogprob
from openai.types.chat.chat_completion import Choice, ChoiceLogprobs
from openai.types.chat.chat_completion_token_logprob import TopLogprob

from fastscore.assistant import Decision

# What DeepEval's templates say of the score, ahead of any text that is judged.
_SCALE = re.compile(
    r"`score` key that is STRICTLY EITHER (?P<strict>1) "
    r"|\"score\"`?: an integer (?:between|from) (?P<lowest>\d+) (?:and|to) (?P<highest>\d+)\b",
    re.IGNORECASE,
)
_HIGHEST = 10  # of a G-Eval rubric

REASON: Mapping[str, Any] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}},
    "required": ["reason"],
    "additionalProperties": False,
}


def scores_of(prompt: str) -> range:
    """Return the scores that one of G-Eval's prompts allows; AttributeError for other prompts."""
    said = _SCALE.search(prompt)
    if said is not None and said["strict"]:
        return range(2)
    if said is not None and int(said["lowest"]) < int(said["highest"]) <= _HIGHEST:
        return range(int(said["lowest"]), int(said["highest"]) + 1)
    raise AttributeError("the prompt does not say which scores it allows, as G-Eval's own do")


def forms(reason: Mapping[str, str], scores: range) -> list[str]:
    """Return the whole answer with each score: what stands before the score is decoded once."""
    return [json.dumps({**reason, "score": score}, ensure_ascii=False) for score in scores]


def completion(name: str, scores: range, decision: Decision, top_logprobs: int) -> ChatCompletion:
    """Return the likeliest answer of ``forms`` as an OpenAI completion.

    The score is one token of it, whatever the model's tokenizer makes of it, and its alternatives
    are the other scores: log-probabilities among ``scores``, the likeliest ``top_logprobs``.
    """
    total = decision.logprobs[decision.index] - math.log(decision.probabilities[decision.index])
    ranked = sorted(
        (
            TopLogprob(token=str(score), logprob=logprob - total)
            for score, logprob in zip(scores, decision.logprobs, strict=True)
        ),
        key=lambda top: -top.logprob,
    )
    best = ranked[0]
    token = ChatCompletionTokenLogprob(
        token=best.token, logprob=best.logprob, top_logprobs=ranked[:top_logprobs]
    )
    return ChatCompletion(
        id="fastscore",
        created=int(time.time()),
        model=name,
        object="chat.completion",
        choices=[
            Choice(
                index=0,
                finish_reason="stop",
                message=ChatCompletionMessage(role="assistant", content=decision.choice),
                logprobs=ChoiceLogprobs(content=[token]),
            )
        ],
    )
