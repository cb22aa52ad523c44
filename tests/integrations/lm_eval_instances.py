"""Requests as lm-eval makes them, and texts to ask about."""

from __future__ import annotations

from typing import Any

from lm_eval.api.instance import Instance

TEXT = "The river rises in the hills and runs to the sea. In spring the snow melts."
PAIRS = [
    ("Question: What is the best reason?\nAnswer:", " to keep warm"),
    ("She puts the cup on ", "the table"),
    ("", "the moon"),
    ("", "<|bos|>the moon"),
    ("<|bos|>The birds", " return"),
    ("   ", "the sun"),
    (f"{TEXT} {TEXT} {TEXT}", " the garden"),
]


def asked(kind: str, *arguments: tuple[Any, ...]) -> list[Instance]:
    return [Instance(kind, {}, each, i) for i, each in enumerate(arguments)]
