"""HumanEval's programs in lm-eval's files: whole where the prompt tells how they begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import score
from fake_sandbox import install
from fastscore import Results
from fastscore.formats.lm_eval.programs import headless
from fastscore.formats.lm_eval.writing import write_lm_eval
from models.vocab import CHAT_TEMPLATE

HEAD = 'def add(a, b):\n    """Add.\n    """\n'
ROW = {
    "prompt": HEAD,
    "entry_point": "add",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    "canonical_solution": "    return a + b\n",
}
CHAT = {"apply_chat_template": True}
SYSTEM = {"system_instruction": "Be brief."}


def write(prompt: str, number: int) -> str:
    return f"    return {number}\n```\nDone."


def run(task: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Results:
    install(monkeypatch)
    model = FakeModel(write=write, chat_template=CHAT_TEMPLATE)
    return score(
        model,
        task,
        rows={task: [ROW]},
        allow_code_execution=True,
        **{"log_prompts": True, **options},
    )


def answers_in(results: Results, folder: Path) -> Any:
    (samples,) = write_lm_eval(results, folder).parent.glob("samples_*")
    return json.loads(samples.read_text("utf-8"))["filtered_resps"]


@pytest.mark.parametrize(
    ("task", "options", "written"),
    [
        ("humaneval", {}, write("", 0)),
        ("humaneval", SYSTEM, write("", 0)),
        ("humaneval_instruct", {}, "    return 0\n"),
        ("humaneval_instruct", {**CHAT, **SYSTEM}, "    return 0\n"),
    ],
)
def test_programs_are_whole(
    task: str,
    options: dict[str, Any],
    written: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    results = run(task, monkeypatch, **options)
    assert answers_in(results, tmp_path) == [[HEAD + written]]
    assert headless(results) == []


def test_several_programs_of_a_problem_are_one_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = run("humaneval", monkeypatch, n=2, temperature=0.8)
    assert answers_in(results, tmp_path) == [[HEAD + write("", number) for number in (0, 1)]]


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("humaneval", CHAT),
        ("humaneval", {"log_prompts": False}),
        ("humaneval_instruct", {"log_prompts": False}),
    ],
)
def test_programs_whose_beginning_is_not_known_are_named(
    task: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    results = run(task, monkeypatch, **options)
    extracted = results.tasks[task].samples[0].extracted  # type: ignore[union-attr]
    assert answers_in(results, tmp_path) == [[*next(iter(extracted.values()))]]
    assert headless(results) == [task]
