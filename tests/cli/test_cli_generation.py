"""`fastscore run` on tasks with generated texts: a tiny model writes, a fake sandbox judges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Command

from fake_sandbox import FakeSandbox, install
from fastscore import Results
from models.fixtures import TinyModel

CODE = {
    "task_id": "HumanEval/0",
    "prompt": "def f():  # right\n",
    "entry_point": "f",
    "canonical_solution": "    return 1",
    "test": "def check(candidate):\n    assert candidate() == 1",
}


@pytest.fixture
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> type[FakeSandbox]:
    return install(monkeypatch)


@pytest.fixture
def humaneval(tmp_path: Path) -> tuple[str, ...]:
    """Arguments that run HumanEval on three small rows."""
    rows = tmp_path / "rows.jsonl"
    numbered = [CODE | {"task_id": f"HumanEval/{i}"} for i in range(3)]
    rows.write_text("".join(json.dumps(row) + "\n" for row in numbered))
    return (
        *("--tasks", "humaneval", "--rows", f"humaneval={rows}", "--threads", "1"),
        *("--max-tokens", "8", "--batch-size", "64"),
    )


def test_programs_are_written_then_run(
    fastscore: Command, model: Path, humaneval: tuple[str, ...], tmp_path: Path
) -> None:
    sampling = ("--n", 4, "--k", "1,2", "--temperature", 0.8, "--top-p", 0.9, "--seed", 3)
    command = ("run", model, *humaneval, *sampling, "--output", tmp_path / "out")
    written = fastscore(*command)
    assert written.code == 0, written.err
    assert "--allow-code-execution" in written.err
    assert "12 texts to write" in written.err
    assert "pass@2    n/a" in written.out
    assert "the texts come from the store" in written.out
    judged = fastscore(*command, "--allow-code-execution")
    assert judged.code == 0, judged.err
    assert "Programs run in the strong sandbox: a strong fake." in judged.err
    assert "12 of 12 texts came from the store, ran 12 programs" in judged.out
    results = Results.load(tmp_path / "out")
    assert results["humaneval"].metrics["pass@2"].value == 1.0
    assert results.settings["k"] == [1, 2]
    assert results.settings["top_p"] == 0.9
    lines = (tmp_path / "out/samples/humaneval.jsonl").read_text().splitlines()
    sample = json.loads(lines[0])
    assert (sample["n"], sample["c"], sample["outcomes"]) == (4, 4, ["passed"] * 4)


def test_options_of_the_sandbox_reach_it(
    fastscore: Command, model: Path, humaneval: tuple[str, ...], sandbox: type[FakeSandbox]
) -> None:
    options = ("--allow_code_execution", "--sandbox", "weak", "--timeout", 1.5, "--json")
    done = fastscore("run", model, *humaneval, *options)
    assert done.code == 0, done.err
    (opened,) = sandbox.opened
    assert (opened.level, opened.limits.cpu_seconds) == ("weak", 1.5)
    execution = json.loads(done.out)["tasks"]["humaneval"]["generation"]["execution"]
    assert execution["sandbox"] == "weak"
    assert execution["limits"]["cpu_seconds"] == 1.5


def test_a_missing_sandbox_is_explained(
    fastscore: Command, model: Path, humaneval: tuple[str, ...], sandbox: type[FakeSandbox]
) -> None:
    sandbox.missing = True
    done = fastscore("run", model, *humaneval, "--allow-code-execution")
    assert done.code == 1
    assert "there is no strong sandbox here" in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tasks", "mini", "--n", "2"], "n cannot be used here"),
        (["--tasks", "humaneval", "--n", "0"], "n is 0"),
        (["--tasks", "humaneval", "--n", "2"], "at temperature 0"),
        (["--tasks", "humaneval", "--k", "2"], "pass@2 cannot be estimated"),
        (["--tasks", "gsm8k", "--k", "1"], "k cannot be used here"),
        (["--tasks", "gsm8k", "--top-p", "0.9"], "top_p is 0.9 at temperature 0"),
        (["--tasks", "gsm8k", "--max-tokens", "0"], "max_tokens is 0"),
        (["--tasks", "humaneval", "--sandbox", "none"], "none"),
    ],
)
def test_mistakes_are_explained(
    fastscore: Command, model: Path, arguments: list[str], message: str
) -> None:
    done = fastscore("run", model, *arguments)
    assert done.code == 2
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""
