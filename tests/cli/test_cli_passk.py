"""`fastscore passk`, with a sandbox that judges by reading."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command

from fake_sandbox import FakeSandbox, install

PROBLEM = {
    "task_id": "a/0",
    "prompt": "def f():\n",
    "entry_point": "f",
    "canonical_solution": "    return 1",
    "test": "def check(candidate):\n    assert candidate() == 1",
}


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> type[FakeSandbox]:
    return install(monkeypatch)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    samples, problems = tmp_path / "samples.jsonl", tmp_path / "problems.jsonl"
    rows = [{"task_id": "a/0", "completion": text} for text in ("right", "wrong", "slow", "right")]
    samples.write_text("".join(json.dumps(row) + "\n" for row in rows))
    problems.write_text(json.dumps(PROBLEM))
    return samples, problems


def test_samples_are_scored(fastscore: Command, files: tuple[Path, Path]) -> None:
    samples, problems = files
    done = fastscore(
        "passk", samples, "--problems", problems, "--allow-code-execution", "--k", "1,4"
    )
    assert done.code == 0, done.err
    assert "pass@1      0.5000" in done.out
    assert "pass@4      1.0000" in done.out
    assert "2 passed, 1 failed, 1 timed out" in done.out
    assert "strong sandbox" in done.err
    results = samples.with_name("samples.jsonl_results.jsonl")
    assert str(results) in done.err
    written = [json.loads(line) for line in results.read_text().splitlines()]
    assert [one["passed"] for one in written] == [True, False, False, True]
    assert [one["result"] for one in written] == [
        "passed", "failed: it is wrong", "timed out", "passed",
    ]  # fmt: skip


def test_json_is_all_there_is_on_stdout(fastscore: Command, files: tuple[Path, Path]) -> None:
    samples, problems = files
    options = ("--allow-code-execution", "--json", "--quiet", "--sandbox", "weak", "--workers", 1)
    done = fastscore("passk", samples, "--problems", problems, *options)
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert document["execution"]["sandbox"] == "weak"
    assert document["metrics"]["pass@1"]["value"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--allow-code-execution"),
        (["--allow-code-execution", "--k", "1,9"], "pass@9 takes 9 samples"),
        (["--allow-code-execution", "--k", "x"], "k is 'x'"),
        (["--allow-code-execution", "--timeout", "0"], "timeout is 0"),
    ],
)
def test_mistakes_are_explained(
    fastscore: Command, files: tuple[Path, Path], arguments: list[str], message: str
) -> None:
    samples, problems = files
    done = fastscore("passk", samples, "--problems", problems, *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_ctrl_c_exits_as_shells_expect(
    fastscore: Command, files: tuple[Path, Path], sandbox: type[FakeSandbox]
) -> None:
    sandbox.stop_after = 2
    samples, problems = files
    done = fastscore("passk", samples, "--problems", problems, "--allow-code-execution")
    assert done.code == 130
    assert "Stopped. Nothing was written" in done.err
