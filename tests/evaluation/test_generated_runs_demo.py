"""The way from a task's name to pass@k with nothing faked: demo model, HumanEval, sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_run import task_of
from fastscore import Model, Results, evaluate, evaluate_samples
from fastscore.errors import SandboxError
from fastscore.results import GenerationSample
from fastscore.sandbox import Sandbox
from fastscore.tasks import GenerationTask, OpenQuestion, get_task


@pytest.fixture(scope="module")
def strong() -> None:
    try:
        Sandbox("strong").close()
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(demo_model: Path) -> Iterator[Model]:
    with Model("demo", n_threads=1) as opened:
        yield opened


def samples_of(results: Results, task: str) -> list[GenerationSample]:
    found = list(task_of(results, task).samples)
    assert all(isinstance(one, GenerationSample) for one in found)
    return found  # type: ignore[return-value]


def test_humaneval_end_to_end(model: Model, data_dir: Path, strong: None, tmp_path: Path) -> None:
    asked: dict[str, Any] = {
        "limit": 2, "n": 4, "k": (1, 2), "temperature": 0.8, "max_tokens": 120,
        "data": data_dir, "output": tmp_path, "progress": False,
    }  # fmt: skip
    written = evaluate(model, "humaneval", **asked)
    results = evaluate(model, "humaneval", allow_code_execution=True, **asked)
    assert results.work.generation is not None
    assert results.work.generation.from_store == 8
    assert results.work.generation.programs == 8
    before, after = samples_of(written, "humaneval"), samples_of(results, "humaneval")
    assert [one.outputs for one in before] == [one.outputs for one in after]
    summary = task_of(results, "humaneval").generation
    assert summary is not None
    assert summary.execution is not None
    assert sum(summary.execution.outcomes.values()) == 8
    assert Results.load(tmp_path).to_dict() == results.to_dict()


def test_right_programs_pass_and_wrong_ones_do_not(
    model: Model, data_dir: Path, strong: None
) -> None:
    """HumanEval, but what the model writes is replaced by the solution, or by nothing."""
    task = get_task("humaneval")
    assert isinstance(task, GenerationTask)
    rows = task.load("eval", data_dir=data_dir).rows[:3]
    solutions = [row["canonical_solution"] for row in rows]
    answers = iter([solutions[0], solutions[1], "    pass\n"])
    own = replace(task, name="own", filters={"replaced": lambda _: next(answers)})
    results = evaluate(
        model, own, rows={"own": rows}, max_tokens=1, allow_code_execution=True, progress=False
    )
    assert [one.outcomes for one in samples_of(results, "own")] == [
        ("passed",), ("passed",), ("failed",),
    ]  # fmt: skip
    assert task_of(results, "own").metrics["pass@1"].value == pytest.approx(2 / 3)


def test_a_chat_template_is_put_around_the_prompts(model: Model) -> None:
    task = GenerationTask(
        "greeting", lambda row: OpenQuestion(row["text"], "Hello", gold="Hello"), max_tokens=4
    )
    results = evaluate(
        model, task, rows={"greeting": [{"text": "Say hello."}]}, apply_chat_template=True,
        system_instruction="Be brief.", log_prompts=True, progress=False,
    )  # fmt: skip
    (sample,) = samples_of(results, "greeting")
    assert sample.context is not None
    assert sample.context.startswith("<|im_start|>system\nBe brief.<|im_end|>")
    assert sample.context.endswith("<|im_start|>assistant\n")
    assert sample.outputs[0]


def test_choices_and_texts_share_a_run(model: Model, data_dir: Path) -> None:
    results = evaluate(
        model, "mini_qa,gsm8k,triviaqa", num_fewshot=0, limit=2, max_tokens=24, data=data_dir,
        progress=False,
    )  # fmt: skip
    assert list(results.tasks) == ["mini_qa", "gsm8k", "triviaqa"]
    assert list(task_of(results, "gsm8k").metrics) == [
        "exact_match,strict-match", "exact_match,flexible-extract",
    ]  # fmt: skip
    assert list(task_of(results, "triviaqa").metrics) == ["exact_match"]
    assert results.work.generation is not None
    assert results.work.generation.samples == 4


def test_samples_of_human_eval_are_scored(data_dir: Path, strong: None, tmp_path: Path) -> None:
    task = get_task("humaneval")
    rows = task.load("eval", data_dir=data_dir).rows[:4]
    problems, samples = tmp_path / "problems.jsonl", tmp_path / "samples.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    leave = "    import sys; sys.exit(0)\n"
    lines = [{"task_id": r["task_id"], "completion": r["canonical_solution"]} for r in rows[::-1]]
    lines += [{"task_id": row["task_id"], "completion": leave} for row in rows]
    samples.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scores = evaluate_samples(samples, problems, (1, 2), allow_code_execution=True, progress=False)
    assert scores.pass_at_k[1].value == 0.5
    assert scores.pass_at_k[2].value == 1.0
    written = [json.loads(line) for line in scores.results_file.read_text().splitlines()]
    assert [one["passed"] for one in written] == [True] * 4 + [False] * 4
    assert [one["result"] for one in written[:4]] == ["passed"] * 4
    assert all(one["result"].startswith("failed: ") for one in written[4:])
