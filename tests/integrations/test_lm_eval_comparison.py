"""Built-in benchmarks out of the files that lm-eval writes, held against fastscore's own runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

from lm_eval.loggers import EvaluationTracker
from lm_eval_builtin import Asked, NothingIsRun, run_fastscore, run_lm_eval

from fake_model import FakeModel
from fake_sandbox import install
from fastscore import Results
from fastscore.comparison.compare import compare
from fastscore.formats.lm_eval.reading import read_lm_eval
from fastscore.formats.lm_eval.writing import write_lm_eval
from fastscore.integrations.lm_eval import FastscoreLM

pytestmark = pytest.mark.filterwarnings("ignore")

N_ITEMS = 6
# By benchmark, lm-eval's keys of what is compared.
BUILT_IN = {
    Asked("arc_easy"): {"acc,none", "acc_norm,none"},
    Asked("hellaswag"): {"acc,none", "acc_norm,none"},
    Asked("winogrande"): {"acc,none"},
    Asked("mmlu_anatomy", 2): {"acc,none"},
    Asked("truthfulqa_mc1"): {"acc,none"},
    Asked("truthfulqa_mc2"): {"acc,none"},
    Asked("gsm8k", 5): {"exact_match,strict-match", "exact_match,flexible-extract"},
    Asked("triviaqa"): {"exact_match,remove_whitespace"},
    Asked("humaneval"): {"pass@1,create_test"},
    Asked("humaneval_instruct"): {"pass@1,create_test"},
    Asked("mbpp", 3): {"pass_at_1,none"},
}


def some_right(prompt: str, number: int) -> str:
    """A name for one question, a number for all sums, a program of which the judge is told."""
    if "was the man behind" in prompt:
        return "David Seville\n"
    return f" {'right' if len(prompt) % 2 else 'wrong'}\n#### 18"


def judge(_: Any, references: list[str], predictions: list[list[str]], k: list[int]) -> Any:
    """In place of running programs, and by the rule of our own runs' sandbox."""
    ((program,),), (reference,) = predictions, references
    return {"pass@1": float("right" in f"{program}\n{reference}")}, {}


@pytest.fixture
def asked_lm(monkeypatch: pytest.MonkeyPatch) -> Iterator[FastscoreLM]:
    """lm-eval's view of a model that computes nothing; programs are judged, not run."""
    model = FakeModel(write=some_right)
    monkeypatch.setattr(f"{FastscoreLM.__module__}.open_model", lambda *_: (model, False))
    monkeypatch.setattr("evaluate.load", lambda *_: NothingIsRun())
    monkeypatch.setattr(NothingIsRun, "compute", judge)  # lm-eval keeps what it has loaded
    install(monkeypatch)
    with FastscoreLM("in the engine's place") as lm:
        yield lm


@pytest.mark.parametrize(("asked", "keys"), BUILT_IN.items(), ids=map(str, BUILT_IN))
def test_lm_evals_files_and_our_run_are_compared_on_all_they_have(
    asked: Asked,
    keys: set[str],
    asked_lm: FastscoreLM,
    manager: Any,
    data_dir: Path,
    tmp_path: Path,
) -> None:
    tracker = EvaluationTracker(output_path=str(tmp_path / "theirs"))
    options = {"model_args": "pretrained=fake.gguf", "evaluation_tracker": tracker}
    returned = run_lm_eval(asked, asked_lm, manager, data_dir, tmp_path, N_ITEMS, **options)
    samples = returned.pop("samples")
    tracker.save_results_aggregated(results=returned, samples=samples)
    tracker.save_results_samples(task_name=asked.task, samples=samples[asked.task])
    (main,) = (tmp_path / "theirs").rglob("results_*")
    ours = run_fastscore(asked, asked_lm, returned, data_dir, N_ITEMS, allow_code_execution=True)
    theirs = read_lm_eval(tmp_path / "theirs")
    assert theirs.settings["left_out"] == {}
    assert {key for key in returned["results"][asked.task] if is_value(key)} == keys
    check_same(ours, theirs, asked.task, len(keys))

    # And what we export of our run is what lm-eval wrote of its own.
    exported = write_lm_eval(ours, tmp_path / "ours")
    again = read_lm_eval(exported)
    check_same(again, theirs, asked.task, len(keys))
    document = json.loads(exported.read_text("utf-8"))
    assert {key for key in document["results"][asked.task] if is_value(key)} == keys
    assert set(document["higher_is_better"][asked.task]) == {key.split(",")[0] for key in keys}
    (lines,), (their_lines,) = (p.glob("samples_*") for p in (exported.parent, main.parent))
    check_lines(lines, their_lines, keys)


def is_value(key: str) -> bool:
    """Whether lm-eval's key is of a metric: not of its error, nor of a fact beside it."""
    return "," in key and "_stderr," not in key


def check_same(ours: Results, theirs: Results, task: str, n_metrics: int) -> None:
    (candidate,) = compare(ours, theirs, progress=False).candidates
    assert len(candidate.differences) == len(ours.tasks[task].metrics) == n_metrics
    for found in candidate.differences:
        assert found.n == N_ITEMS, found.metric
        assert (found.difference, found.n_gained, found.n_lost) == (0, 0, 0), found.metric
        assert found.verdict != "undefined", found.metric


def check_lines(ours: Path, theirs: Path, keys: set[str]) -> None:
    """Line by line the same requests, answers and what the filters made of them."""
    read = [json.loads(line) for line in ours.read_text("utf-8").splitlines()]
    wanted = {one_of(line): line for line in map(json.loads, theirs.open(encoding="utf-8"))}
    assert {one_of(line) for line in read} == set(wanted)
    for line in read:
        assert line["metrics"]
        assert {f"{metric},{line['filter']}" for metric in line["metrics"]} <= keys
        their = wanted[one_of(line)]
        assert set(line) == set(their)
        for field in ("prompt_hash", "resps", "filtered_resps", "metrics"):
            assert line[field] == their[field], field
        for metric in line["metrics"]:
            assert line[metric] == pytest.approx(their[metric], rel=1e-12)


def one_of(line: dict[str, Any]) -> tuple[int, str]:
    """What tells a line from the others of its task."""
    return line["doc_id"], line["filter"]
