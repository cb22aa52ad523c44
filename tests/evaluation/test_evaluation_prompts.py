"""How `evaluate` puts questions: chat templates, shared shots, seeds."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import capitals, score, task_of
from fastscore.errors import UsageError
from fastscore.tasks import Prompting, get_task

TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"


def test_chat_template() -> None:
    results = score(
        FakeModel(chat_template=TEMPLATE), "mini_qa", apply_chat_template=True, num_fewshot=1,
        system_instruction="Be right.", log_prompts=True, limit=3,
    )  # fmt: skip
    sample = task_of(results, "mini_qa").samples[0]
    assert sample.contexts is not None
    assert sample.continuations is not None
    context = sample.contexts[0]
    assert context.startswith("<system>Be right.</system><user>Question: ")
    assert context.count("<user>") == 2
    assert context.endswith("\nAnswer:</user><assistant>")
    assert not any(text.startswith(" ") for text in sample.continuations)
    assert results.settings["apply_chat_template"] is True


@pytest.mark.parametrize(
    ("described", "instruction", "lost"),
    [
        (False, None, None),
        (False, "Be right.", "the system instruction is left out"),
        (True, None, "the task's description is left out"),
        (True, "Be right.", "the system instruction and the task's description are left out"),
    ],
)
def test_a_system_message_that_the_template_loses_is_said(
    caplog: pytest.LogCaptureFixture, described: bool, instruction: str | None, lost: str | None
) -> None:
    options: dict[str, Any] = {"apply_chat_template": True, "system_instruction": instruction}
    task, rows = capitals(description="About capitals.\n" if described else "")
    other = replace(task, name="others")
    options |= {"rows": {"capitals": rows, "others": rows}}
    with caplog.at_level(logging.WARNING, "fastscore"):
        taken = score(FakeModel(chat_template=TEMPLATE), [task, other], **options)
    assert not caplog.messages
    assert task_of(taken, "capitals").notices == ()
    model = FakeModel(chat_template=NO_SYSTEM + TEMPLATE)
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = score(model, [task, other], **options)
    if lost is None:
        assert not caplog.messages
        assert task_of(results, "capitals").notices == ()
    else:
        (message,) = caplog.messages
        assert message.startswith("capitals, others: the model's chat template has no place")
        assert lost in message
        assert message in str(results)
        assert lost in task_of(results, "others").notices[0]
    assert not any("<system>" in context for context, _ in model.pairs)


def test_a_model_without_chat_template() -> None:
    with pytest.raises(UsageError, match="no chat template"):
        score(FakeModel(), apply_chat_template=True)


def test_shared_shots_are_named_as_a_variant() -> None:
    model = FakeModel()
    results = score(model, "mini_qa", num_fewshot=2, fewshot="shared", log_prompts=True, limit=6)
    result = task_of(results, "mini_qa")
    headers = {sample.contexts[0].rpartition("\n\n")[0] for sample in result.samples}  # type: ignore[index]
    assert len(headers) == 1
    assert result.variant is not None
    assert "not lm-eval's" in str(results)


def test_seed_decides_the_shots() -> None:
    def contexts(seed: int) -> list[Any]:
        results = score(FakeModel(), "mini_qa", num_fewshot=2, seed=seed, log_prompts=True, limit=4)
        return [sample.contexts for sample in task_of(results, "mini_qa").samples]

    assert contexts(1) != contexts(2)
    task = get_task("mini_qa")
    rows, pool = task.load("eval").rows[:4], task.load("fewshot").rows
    items = task.items(rows, pool, Prompting(num_fewshot=2, seed=2))
    assert contexts(2) == [item.contexts for item in items]
