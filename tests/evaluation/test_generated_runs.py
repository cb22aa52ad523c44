"""`evaluate` on tasks with generated texts, around a model and a sandbox that compute nothing."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import MINI, capitals, score, task_of
from fake_sandbox import FakeSandbox, install
from fastscore import Results
from fastscore.errors import DataError, DecodeError, FastscoreError, UsageError
from fastscore.progress import Progress, describe
from fastscore.results import GenerationSample
from fastscore.tasks import GenerationTask, OpenQuestion
from fastscore.types import ProgramParts, Sampling

N_ROWS = 6


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> type[FakeSandbox]:
    return install(monkeypatch)


def digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def sums(**options: Any) -> GenerationTask:
    """Ask for 0 + 0, 1 + 1, ...; judge the output as it stands, and its digits."""

    def question(row: Any) -> OpenQuestion:
        return OpenQuestion(f"{row['x']} + {row['x']} =", str(2 * row["x"]), gold=str(2 * row["x"]))

    filters = {"whole": str.strip, "digits": digits}
    return GenerationTask("sums", question, **{"stop": ("\n",), "filters": filters, **options})


def programs(test: str = "assert f() == 1", **options: Any) -> GenerationTask:
    def question(row: Any) -> OpenQuestion:
        parts = ProgramParts(test.format(**row), before=f"# {row['x']}\n", entry_point="f")
        return OpenQuestion(f"program {row['x']}", "", gold="assert f() == 1", program=parts)

    return GenerationTask("programs", question, executes_code=True, **options)


def rows(*names: str, n: int = N_ROWS) -> dict[str, Any]:
    return {name: [{"x": i} for i in range(n)] for name in names}


def right_sum(prompt: str, number: int) -> str:
    """Say the sum, with a word more than it takes for odd numbers."""
    x = int(prompt.split()[0])
    return f" {2 * x}" + (" of course" if x % 2 else "") + "\nand more"


def some_right(prompt: str, number: int) -> str:
    """Problem x gets its first x samples right."""
    return "right" if number < int(prompt.split()[-1]) else "wrong"


SUMS = {"rows": rows("sums")}
CODE = {"rows": rows("programs"), "allow_code_execution": True}


def test_texts_are_extracted_and_judged() -> None:
    results = score(FakeModel(write=right_sum), sums(), log_prompts=True, **SUMS)
    task = task_of(results, "sums")
    assert task.n == N_ROWS
    assert task.metrics["exact_match,whole"].value == 0.5
    assert task.metrics["exact_match,digits"].value == 1
    assert 0.5 < task.metrics["exact_match,digits"].ci95[0] < 1  # Wilson's, as for choices
    sample = task.samples[1]
    assert isinstance(sample, GenerationSample)
    assert sample.to_dict() == {
        "doc_id": 1,
        "gold": "2",
        "item": hashlib.sha256(b'["1 + 1 =", ["\\n"], "2"]').hexdigest()[:16],
        "exact_match,whole": 0.0,
        "exact_match,digits": 1.0,
        "n": 1,
        "outputs": [" 2 of course"],
        "finish_reasons": ["stop"],
        "extracted": {"whole": ["2 of course"], "digits": ["2"]},
        "context": "1 + 1 =",
    }
    assert task.generation is not None
    assert task.generation.sampling == Sampling(seed=1234)
    assert task.generation.finish_reasons == {"stop": 6, "eos": 0, "length": 0}
    assert task.generation.execution is None


def test_the_shots_of_a_task_stand_in_its_prompts() -> None:
    model = FakeModel(write=lambda prompt, _: prompt)
    results = score(model, sums(stop=("never",), max_tokens=999), num_fewshot=2, **SUMS)
    (text,) = task_of(results, "sums").samples[0].outputs  # type: ignore[union-attr]
    assert text.count("\n\n") == 2
    assert text.endswith("0 + 0 =")


def test_a_mean_over_samples_has_the_error_of_a_mean_over_problems() -> None:
    def write(prompt: str, number: int) -> str:
        x = int(prompt.split()[0])
        return str(2 * x if number < x else 99)

    task = task_of(score(FakeModel(write=write), sums(), n=4, temperature=1.0, **SUMS), "sums")
    shares = [0, 1 / 4, 2 / 4, 3 / 4, 1, 1]
    values = [one.scores["exact_match,whole"].value for one in task.samples]
    assert values == shares
    mean = sum(shares) / 6
    metric = task.metrics["exact_match,whole"]
    assert metric.value == pytest.approx(mean)
    spread = math.sqrt(sum((share - mean) ** 2 for share in shares) / 5)
    assert metric.stderr == pytest.approx(spread / math.sqrt(6))


def test_programs_are_run_and_counted(sandbox: type[FakeSandbox]) -> None:
    results = score(
        FakeModel(write=some_right), programs(), n=4, k=[1, 2, 4], temperature=0.8, timeout=2.0,
        **CODE,
    )  # fmt: skip
    task = task_of(results, "programs")
    c = [0, 1, 2, 3, 4, 4]
    assert task.metrics["pass@1"].value == pytest.approx(sum(c) / 4 / 6)
    two = [0, 1 / 2, 5 / 6, 1, 1, 1]
    assert [one.scores["pass@2"].value for one in task.samples] == pytest.approx(two)
    assert task.metrics["pass@2"].value == pytest.approx(sum(two) / 6)
    assert task.metrics["pass@4"].value == pytest.approx(5 / 6)
    for metric in task.metrics.values():
        assert metric.ci95[0] < metric.value < metric.ci95[1]
    line = task.samples[1].to_dict()
    assert (line["n"], line["c"], line["pass@1"]) == (4, 1, 0.25)
    assert line["outputs"] == ["right", "wrong", "wrong", "wrong"]
    assert line["outcomes"] == ["passed", "failed", "failed", "failed"]
    assert line["details"] == ["", *["AssertionError: it is wrong"] * 3]
    summary = task.generation
    assert summary is not None
    assert (summary.n, summary.k) == (4, (1, 2, 4))
    assert (summary.none_passed, summary.all_passed) == (1 / 6, 2 / 6)
    assert summary.execution is not None
    assert summary.execution.sandbox == "strong"
    assert summary.execution.outcomes == {"passed": 14, "failed": 10}
    assert summary.execution.limits["cpu_seconds"] == 2.0
    (opened,) = sandbox.opened
    assert opened.closed
    assert opened.programs[-1].source == "# 0\nwrong"
    assert results.work.generation is not None
    assert results.work.generation.programs == 24
    text = str(results)
    assert (
        "no sample passed (c = 0) for 16.7% of the problems, all passed (c = n) for 33.3%" in text
    )
    assert "programs ran in the strong sandbox (a strong fake): 14 passed, 10 failed" in text
    assert "4 samples a problem, temperature 0.8, seed 1234" in text


def test_one_sample_a_problem_is_a_proportion(sandbox: type[FakeSandbox]) -> None:
    write = lambda prompt, _: "right" if prompt.endswith(("1", "4")) else "wrong"  # noqa: E731
    metric = task_of(score(FakeModel(write=write), programs(), **CODE), "programs").metrics[
        "pass@1"
    ]
    assert metric.value == pytest.approx(1 / 3)
    assert metric.ci95 == pytest.approx((0.0968, 0.7000), abs=1e-4)  # Wilson, 2 of 6


def test_programs_near_the_limit_are_named(sandbox: type[FakeSandbox]) -> None:
    results = score(FakeModel(write=lambda *_: "slow but right"), programs(), **CODE)
    assert "6 programs came near the limit of 3 s of CPU time" in str(results)


def test_without_permission_texts_are_kept_and_not_run(
    sandbox: type[FakeSandbox], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = FakeModel(write=some_right)
    asked = {"n": 3, "k": "1,3", "temperature": 0.5, "output": tmp_path}
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = score(model, programs(), rows=rows("programs"), **asked)
    assert sandbox.opened == []
    assert "--allow-code-execution" in caplog.text
    task = task_of(results, "programs")
    for metric in task.metrics.values():
        assert math.isnan(metric.value)
        assert "--allow-code-execution" in (metric.reason or "")
    assert list(task.metrics) == ["pass@1", "pass@3"]
    line = json.loads((tmp_path / "samples/programs.jsonl").read_bytes().splitlines()[1])
    assert line["outputs"] == ["right", "wrong", "wrong"]
    assert line["pass@1"] is None
    assert "outcomes" not in line
    assert "the texts come from the store" in str(Results.load(tmp_path))
    again = FakeModel(write=some_right)
    judged = score(again, programs(), **CODE, **asked)
    assert again.n_written == 0
    assert task_of(judged, "programs").metrics["pass@1"].value == pytest.approx(12 / 18)


def test_a_missing_sandbox_is_said_before_anything_is_generated(
    sandbox: type[FakeSandbox],
) -> None:
    sandbox.missing = True
    model = FakeModel()
    with pytest.raises(FastscoreError, match="no strong sandbox"):
        score(model, programs(), **CODE)
    assert model.n_written == 0
    score(model, sums(), **SUMS, allow_code_execution=True)  # which needs none


def test_the_weak_level_is_asked_for_by_name(sandbox: type[FakeSandbox]) -> None:
    results = score(FakeModel(), programs(), sandbox="weak", **CODE)
    execution = task_of(results, "programs").generation.execution  # type: ignore[union-attr]
    assert execution is not None
    assert execution.sandbox == "weak"
    assert results.settings["sandbox"] == "weak"


def test_ctrl_c_while_programs_run_keeps_the_texts(sandbox: type[FakeSandbox]) -> None:
    sandbox.stop_after = 3
    first = FakeModel(write=some_right)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        score(first, programs(), **CODE)
    assert sandbox.opened[0].closed
    sandbox.stop_after = None
    again = FakeModel(write=some_right)
    score(again, programs(), **CODE)
    assert (first.n_written, again.n_written) == (N_ROWS, 0)


def test_choices_and_texts_in_one_run(sandbox: type[FakeSandbox], tmp_path: Path) -> None:
    task, cities = capitals(5)
    model = FakeModel()
    given = rows("sums", "programs") | {"capitals": cities}
    seen: list[Progress] = []
    tasks = [sums(), task, programs(), "mini_qa"]
    results = score(
        model, tasks, rows=given, allow_code_execution=True, progress=seen.append, output=tmp_path,
        n=2, temperature=0.7,
    )  # fmt: skip
    assert list(results.tasks) == ["sums", "capitals", "programs", "mini_qa"]
    assert results.work.requests == 15 + 36 * 4
    assert results.work.generation is not None
    assert results.work.generation.samples == 24
    assert (
        sum(results.work.seconds.values()) - results.work.seconds["total"]
        < (results.work.seconds["total"])
    )
    loaded = Results.load(tmp_path)
    assert loaded.to_dict() == results.to_dict()
    for name in results.tasks:
        assert list(task_of(loaded, name).samples) == list(task_of(results, name).samples)
    assert str(loaded) == str(results)
    lines = [describe(one) for one in seen]
    assert any("sums (1/4): 12 of 12 samples" in line for line in lines)
    assert any("capitals (2/4):" in line and "tokens" in line for line in lines)
    assert any("programs (3/4): 12 of 12 programs run" in line for line in lines)
    last = seen[-1]
    assert last.tokens_done == last.tokens_total


def test_more_room_is_advised_where_many_texts_were_cut() -> None:
    results = score(FakeModel(write=right_sum), sums(), max_tokens=1, **SUMS)
    summary = task_of(results, "sums").generation
    assert summary is not None
    assert summary.max_tokens == 1
    assert summary.finish_reasons["length"] == N_ROWS
    assert "6 of 6 samples were cut at 1 token, unfinished" in str(results)
    assert "* sums: at most 1 token a text: the task's own is at most 256." in str(results)


def test_prompts_that_lost_tokens_are_counted() -> None:
    model = FakeModel(max_length=20, write=right_sum)
    task = task_of(score(model, sums(max_tokens=16), **SUMS), "sums")
    assert task.truncated == N_ROWS  # 5 tokens with the BOS, and room for 4
    assert "were cut from the left" in str(score(model, sums(max_tokens=16), **SUMS))


def test_texts_that_leave_no_room_for_prompts_are_refused_before_anything_is_scored() -> None:
    model = FakeModel(max_length=20)
    for task, options in ((sums(max_tokens=20), {}), (sums(), {"max_tokens": 20})):
        with pytest.raises(UsageError, match=r"sums: a text may have 20 .* window is 20 .* 19"):
            score(model, ["mini_qa", task], **options, **SUMS)
    assert (model.n_scored, model.n_written) == (0, 0)


def test_sampling_reaches_the_engine_and_the_results() -> None:
    model = FakeModel(write=right_sum)
    asked = {"temperature": 0.6, "top_k": 40, "top_p": 0.9, "min_p": 0.1, "repeat_penalty": 1.1}
    results = score(model, sums(), seed=7, max_tokens=50, n=2, **asked, **SUMS)
    (sampling,) = model.samplings
    assert sampling == Sampling(0.6, 40, 0.9, 0.1, 1.1, 7)
    summary = task_of(results, "sums").generation
    assert summary is not None
    assert summary.sampling == sampling
    stored = results.settings
    assert {name: stored[name] for name in asked} == asked
    assert (stored["n"], stored["k"], stored["max_tokens"]) == (2, None, 50)
    assert stored["allow_code_execution"] is False


def test_empty_texts_are_answers(sandbox: type[FakeSandbox]) -> None:
    results = score(FakeModel(write=lambda *_: ""), programs(), **CODE)
    task = task_of(results, "programs")
    assert task.metrics["pass@1"].value == 0
    assert task.samples[0].outputs == ("",)  # type: ignore[union-attr]
    assert len(sandbox.opened[0].programs) == N_ROWS


def test_tests_that_are_not_python_are_said_before_a_model_writes(
    sandbox: type[FakeSandbox],
) -> None:
    model, task = FakeModel(), programs("assert 0{x}")  # 00 is a number, 01 is not
    with pytest.raises(DataError, match=r"programs: item 1: the test of .* not Python"):
        score(model, task, **CODE)
    assert model.n_written == 0
    assert sandbox.opened[0].programs == []
    score(model, task, rows=rows("programs"))  # nothing is run here, and it may be elsewhere
    assert model.n_written == N_ROWS


@pytest.mark.parametrize(
    ("tasks", "options", "message"),
    [
        (MINI, {"n": 2}, "n cannot be used here"),
        (MINI, {"max_tokens": 9}, "max_tokens cannot be used here"),
        ("gsm8k", {"n": 2, "k": 2, "temperature": 1}, "k cannot be used here"),
        ("gsm8k", {"n": 2}, "n is 2 at temperature 0"),
        ("humaneval", {"k": "1,10"}, "pass@10 cannot be estimated"),
        ("humaneval", {"k": "one"}, "k is 'one'"),
        ("humaneval", {"sandbox": "paper"}, "sandbox is 'paper'"),
        ("humaneval", {"timeout": -1}, "timeout is -1"),
        ("humaneval", {"tempreature": 1}, "did you mean temperature"),
        ("mini_qa,gsm8k", {"temperature": 1e-9}, "temperature is 1e-09"),
        ("mini_qa,gsm8k", {"repeat_penalty": 1e9}, "repeat_penalty is 1000000000.0"),
        ("mini_qa,gsm8k", {"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_asked_is_said_at_once(
    tasks: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        score(FakeModel(), tasks, **options)


def test_a_text_that_the_engine_left_out_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    import fake_model

    monkeypatch.setattr(fake_model.FakeGenerationRun, "__iter__", lambda self: iter([]))
    with pytest.raises(DecodeError, match="left out"):
        score(FakeModel(), sums(), **SUMS)
