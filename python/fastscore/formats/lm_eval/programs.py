"""HumanEval's programs whole, as lm-eval's filter makes them of what a model wrote.

There a text is put behind the head of the function it goes on with, and the samples hold both as
one answer. Results of fastscore hold what was written, and the head as a part of the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastscore.results import GenerationSample, Results, TaskResult

TASKS = ("humaneval", "humaneval_instruct")

# Of the user's message, before and after the head of the function.
_ASKED = "Write a solution to the following problem and make sure that it passes the tests:\n"
_OPENED, _CLOSED = f"{_ASKED}```python\n", "\n```"


def programs(
    task: str, sample: GenerationSample, filtered: str, settings: Mapping[str, Any]
) -> list[str] | None:
    """Return the programs of a sample; None where its prompt does not tell how they begin."""
    head = _head(task, sample.context, settings)
    return None if head is None else [head + text for text in sample.extracted[filtered]]


def headless(results: Results) -> list[str]:
    """Name the tasks whose programs cannot be put together."""
    return [
        name
        for name in TASKS
        if isinstance(task := results.tasks.get(name), TaskResult)
        and any(
            isinstance(sample, GenerationSample)
            and _head(name, sample.context, results.settings) is None
            for sample in task.samples
        )
    ]


def _head(task: str, context: str | None, settings: Mapping[str, Any]) -> str | None:
    if context is None:
        return None
    if task == "humaneval_instruct":
        _, opened, rest = context.rpartition(_OPENED)
        head, closed, _ = rest.partition(_CLOSED)
        return head if opened and closed else None
    if settings.get("apply_chat_template"):
        return None  # Only the template knows what of the text is its own.
    return context.removeprefix(settings.get("system_instruction") or "")
