"""The rows of one workload, written for both sides: the release's layout and the hub's."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks.workloads.hub_layout import CONVERT, Row

REPOSITORY = Path(__file__).resolve().parents[2]
HELLASWAG_EVAL_ROWS = 500
"""The 1,000 original-layout HellaSwag rows serve as both: these first ones are scored, the others
are the few-shot pool, because the training split is not at hand in this layout."""
TRIVIAQA_EVAL_ROWS = 2000
"""Of the 3,000 rows at hand, which do not say their split; the others are the few-shot pool."""
MBPP_TEST = range(11, 511)
"""``task_id`` of MBPP's test split: the published file holds all splits."""
SPLITS = ("test", "fewshot")
"""Of ``mini``."""


@dataclass(frozen=True)
class Benchmark:
    """Where a benchmark's rows lie below the data directory, and lm-eval's names of its splits.

    Empty names of files stand for what fastscore carries itself.
    """

    layout: str
    eval_file: str
    eval_split: str
    pool_file: str | None = None
    pool_split: str | None = None


BENCHMARKS = {
    "arc_easy": Benchmark(
        "arc", "arc/ARC-Easy-Test.jsonl.gz", "test", "arc/ARC-Easy-Train.jsonl.gz", "train"
    ),
    "arc_challenge": Benchmark(
        "arc",
        "arc/ARC-Challenge-Test.jsonl.gz",
        "test",
        "arc/ARC-Challenge-Train.jsonl.gz",
        "train",
    ),
    "hellaswag": Benchmark(
        "hellaswag",
        "hellaswag/hellaswag_val_1000.jsonl.gz",
        "validation",
        "hellaswag/hellaswag_val_1000.jsonl.gz",
        "train",
    ),
    "winogrande": Benchmark(
        "winogrande",
        "winogrande/dev.jsonl.gz",
        "validation",
        "winogrande/train_m.jsonl.gz",
        "train",
    ),
    "mmlu": Benchmark("mmlu", "mmlu/test.jsonl.gz", "test", "mmlu/dev.jsonl.gz", "dev"),
    "truthfulqa": Benchmark("truthfulqa", "truthfulqa/mc_task_v1.jsonl.gz", "validation"),
    "gsm8k": Benchmark("gsm8k", "gsm8k/test.jsonl.gz", "test", "gsm8k/train.jsonl.gz", "train"),
    "triviaqa": Benchmark(
        "triviaqa",
        "triviaqa/triviaqa_subset.jsonl.gz",
        "validation",
        "triviaqa/triviaqa_subset.jsonl.gz",
        "train",
    ),
    "humaneval": Benchmark("humaneval", "humaneval/HumanEval.jsonl.gz", "test"),
    "mbpp": Benchmark("mbpp", "mbpp/mbpp.jsonl.gz", "test"),
    "mini": Benchmark("mini", "", "test", "", "fewshot"),
}


@dataclass(frozen=True)
class Workload:
    """One task of lm-eval at one number of shots; the first ``limit`` rows in file order."""

    task: str
    num_fewshot: int
    limit: int

    @property
    def benchmark(self) -> Benchmark:
        name = self.task if self.task in BENCHMARKS else self.task.split("_", 1)[0]
        return BENCHMARKS[name]

    @property
    def name(self) -> str:
        return f"{self.task}.{self.num_fewshot}shot"


@dataclass(frozen=True)
class PreparedRows:
    """Paths of the same rows in both layouts (JSONL); ``digest`` is the sha256 of the hub rows.

    ``original_eval`` is None where fastscore has the rows itself.
    """

    original_eval: Path | None
    original_pool: Path | None
    hub_eval: Path
    hub_pool: Path | None
    digest: str


def data_directory(given: Path | None) -> Path:
    """The directory of published rows: the one given, else ``FASTSCORE_DATA``, else beside us."""
    path = given or Path(os.environ.get("FASTSCORE_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        raise SystemExit(f"no data directory {path}: give --data DIR or set FASTSCORE_DATA")
    return path


def prepare(workload: Workload, data: Path, into: Path) -> PreparedRows:
    """Write the workload's rows below ``into`` and return where they are."""
    layout = workload.benchmark.layout
    scored, pool = _load(workload, data)
    convert = CONVERT[layout]
    into.mkdir(parents=True, exist_ok=True)

    def write(rows: Sequence[Row], name: str) -> Path:
        path = into / f"{workload.task}.{name}.jsonl"
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        path.write_text("".join(lines), encoding="utf-8")
        return path

    hub_eval = write([convert(row) for row in scored], "hub")
    hub_pool = None if pool is None else write([convert(row) for row in pool], "hub.fewshot")
    digest = hashlib.sha256(hub_eval.read_bytes())
    digest.update(hub_pool.read_bytes() if hub_pool else b"")
    packaged = layout == "mini"
    return PreparedRows(
        original_eval=None if packaged else write(scored, "original"),
        original_pool=None if packaged or pool is None else write(pool, "original.fewshot"),
        hub_eval=hub_eval,
        hub_pool=hub_pool,
        digest=digest.hexdigest(),
    )


def _load(workload: Workload, data: Path) -> tuple[list[Row], list[Row] | None]:
    """Rows to score and rows to draw examples from, in the release's layout."""
    benchmark = workload.benchmark
    if benchmark.layout == "mini":
        packaged = resources.files("fastscore") / "data" / "mini.jsonl"
        rows = [json.loads(line) for line in packaged.read_text(encoding="utf-8").splitlines()]
        chosen = [row for row in rows if row["format"] == workload.task.removeprefix("mini_")]
        parts = {split: [row for row in chosen if row["split"] == split] for split in SPLITS}
        return parts["test"], parts["fewshot"]
    scored = _read(data / benchmark.eval_file)
    pool = _read(data / benchmark.pool_file) if benchmark.pool_file else None
    if benchmark.layout == "hellaswag":
        return scored[:HELLASWAG_EVAL_ROWS], scored[HELLASWAG_EVAL_ROWS:]
    if benchmark.layout == "triviaqa":
        return scored[:TRIVIAQA_EVAL_ROWS], scored[TRIVIAQA_EVAL_ROWS:]
    if benchmark.layout == "mbpp":
        return [row for row in scored if row["task_id"] in MBPP_TEST], None
    if benchmark.layout == "mmlu":
        subject = workload.task.removeprefix("mmlu_")
        return (
            [row for row in scored if row["subject"] == subject],
            [row for row in pool or () if row["subject"] == subject],
        )
    return scored, pool


def _read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
