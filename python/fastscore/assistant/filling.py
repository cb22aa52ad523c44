"""Forms that a model fills in under a grammar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastscore.errors import FastscoreError, ModelError
from fastscore.model import Model
from fastscore.types import GenerationRequest, Sampling


def fill_each(
    model: Model,
    prompts: Sequence[str],
    schema: Mapping[str, Any],
    max_tokens: int,
    sampling: Sampling,
) -> list[Any | FastscoreError]:
    """Value of the form after each prompt, or why there is none."""
    requests = [GenerationRequest(prompt, max_tokens=max_tokens) for prompt in prompts]
    found: dict[int, Any] = {}
    for step in model.generating(requests, sampling, json_schema=schema):
        for done in step:
            try:
                found[done.request] = json.loads(done.generation.text)
            except ValueError:
                found[done.request] = ModelError(
                    f"the form was not whole after {max_tokens} tokens; raise max_tokens"
                )
    return [found[i] for i in range(len(prompts))]
