"""The benchmarks that both know: lm-eval's definitions on the engine against fastscore's own."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from lm_eval_tasks import local_task

from fastscore import evaluate
from fastscore.results import GenerationSample, Sample, TaskResult
from fastscore.tasks import get_task

lm_eval = pytest.importorskip("lm_eval", reason="lm-eval is not installed: pip install lm-eval")

pytestmark = pytest.mark.filterwarnings("ignore")

N_ITEMS = 4
MOST_TOKENS = 32
# Of lm-eval's configuration: where the items are, and where the examples. Both run with few
# examples: what is compared is what the two sides make of them, not how long they are.
SPLITS = {
    ("arc_easy", 0): ("test", "train"),
    ("arc_easy", 2): ("test", "train"),
    ("arc_challenge", 1): ("test", "train"),
    ("hellaswag", 0): ("validation", "train"),
    ("hellaswag", 2): ("validation", "train"),
    ("winogrande", 0): ("validation", "train"),
    ("winogrande", 2): ("validation", "train"),
    ("mmlu_anatomy", 0): ("test", "dev"),
    ("mmlu_professional_law", 2): ("test", "dev"),
    ("truthfulqa_mc1", 0): ("validation", None),
    ("truthfulqa_mc2", 0): ("validation", None),
    ("gsm8k", 2): ("test", "train"),
    ("triviaqa", 0): ("validation", "train"),
    ("triviaqa", 2): ("validation", "train"),
    ("humaneval", 0): ("test", None),
    ("mbpp", 3): ("test", None),
}


class NothingIsRun:
    """In place of the metric that executes programs, which lm-eval loads from the hub."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        return {"pass@1": 0.0}, {}


def rows_of(name: str, data: Path) -> tuple[list[Any], list[Any]]:
    """Rows to score, and rows to draw examples from."""
    if name == "hellaswag":  # the release's own layout, which holds the fields of the hub's
        with gzip.open(data / "hellaswag" / "hellaswag_val_1000.jsonl.gz", "rt") as lines:
            rows = [json.loads(line) for line in islice(lines, 140)]
        rows = [{**row, "label": str(row["label"])} for row in rows]
        return rows[:N_ITEMS], rows[100:]
    task = get_task(name)
    rows = task.load("eval", data_dir=data).rows
    if name == "triviaqa":  # one published file, which does not say its splits
        return rows[:N_ITEMS], rows[100:140]
    if task.source.fewshot_split is None:
        return rows[:N_ITEMS], []
    return rows[:N_ITEMS], task.load("fewshot", data_dir=data).rows[:40]


@pytest.mark.parametrize(("name", "shots"), list(SPLITS))
def test_every_item_is_the_same(
    name: str,
    shots: int,
    lm: Any,
    manager: Any,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evaluate.load", lambda *_: NothingIsRun())
    rows, pool = rows_of(name, data_dir)
    split, pool_split = SPLITS[name, shots]
    files = {split: rows} | ({pool_split: pool or rows} if pool_split else {})
    theirs = lm_eval.simple_evaluate(
        model=lm,
        tasks=[local_task(name, files, tmp_path, manager)],
        num_fewshot=shots,
        task_manager=manager,
        gen_kwargs={"max_gen_toks": MOST_TOKENS},
        confirm_run_unsafe_code=True,  # nothing is run
    )
    generated = name in ("gsm8k", "triviaqa", "humaneval", "mbpp")
    ours = evaluate(
        lm.model,
        name,
        num_fewshot=None if name in ("humaneval", "mbpp") else shots,
        rows={name: rows},
        fewshot_rows={name: pool} if pool else None,
        max_tokens=MOST_TOKENS if generated else None,
        log_prompts=True,
        resume=False,
        progress=False,
    )[name]
    assert isinstance(ours, TaskResult)
    by_doc = {sample.doc_id: sample for sample in ours.samples}
    for line in theirs["samples"][name]:
        sample = by_doc[line["doc_id"]]
        if isinstance(sample, Sample):
            same_choices(line, sample)
        else:
            same_text(line, sample)
    assert {line["doc_id"] for line in theirs["samples"][name]} == set(range(N_ITEMS))
    if not generated or name in ("gsm8k", "triviaqa"):
        same_scores(theirs["results"][name], ours)


def same_choices(line: dict[str, Any], sample: Sample) -> None:
    assert sample.contexts is not None
    contexts = [context for context, _ in line["arguments"]]
    assert tuple(dict.fromkeys(contexts)) == tuple(dict.fromkeys(sample.contexts))
    assert tuple(continuation for _, continuation in line["arguments"]) == sample.continuations
    # Both are one run of the engine over the same requests: not even the rounding differs.
    assert tuple(answer[0][0] for answer in line["resps"]) == sample.loglikelihoods
    assert tuple(answer[0][1] for answer in line["resps"]) == sample.is_greedy
    for metric in line["metrics"]:
        assert line[metric] == pytest.approx(sample.scores[metric].value, abs=1e-12)


def same_text(line: dict[str, Any], sample: GenerationSample) -> None:
    ((prompt, _),) = line["arguments"]
    assert prompt == sample.context
    assert tuple(line["resps"][0]) == sample.outputs
    if line["filter"] in sample.extracted:
        assert line["filtered_resps"] == list(sample.extracted[line["filter"]])


def same_scores(theirs: dict[str, Any], ours: TaskResult) -> None:
    compared = 0
    for name, value in ours.metrics.items():
        metric, _, which = name.partition(",")
        for theirs_name, theirs_value in theirs.items():
            their_metric, comma, their_filter = theirs_name.partition(",")
            if comma and their_metric == metric and which in ("", their_filter):
                assert theirs_value == pytest.approx(value.value, abs=1e-12)
                assert theirs[f"{metric}_stderr,{their_filter}"] == pytest.approx(value.stderr)
                compared += 1
    assert compared == len(ours.metrics)
