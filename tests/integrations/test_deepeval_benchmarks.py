"""DeepEval's own benchmarks with local rows, one question at a time and in batches."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deepeval", reason="DeepEval is not installed")
pytest.importorskip("datasets", reason="the data sets library is not installed")

from deepeval.benchmarks import GSM8K, MMLU, HellaSwag, TruthfulQA
from deepeval.benchmarks.modes import TruthfulQAMode
from deepeval.benchmarks.tasks import HellaSwagTask, MMLUTask, TruthfulQATask

import datasets
from fastscore.integrations.deepeval import FastscoreLLM
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

TASK = MMLUTask.HIGH_SCHOOL_GEOGRAPHY


@pytest.fixture(scope="module")
def demo(demo_model: Path) -> Iterator[FastscoreLLM]:
    with FastscoreLLM(demo_model, n_threads=1, max_tokens=64) as opened:
        yield opened


@pytest.fixture(scope="module")
def tiny(tiny_model: TinyModel) -> Iterator[FastscoreLLM]:
    path = tiny_model("llama", n_ctx_train=8192, chat_template=CHAT_TEMPLATE, add_bos=True)
    with FastscoreLLM(path, n_threads=1, max_tokens=64) as opened:
        yield opened


def _rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _table(rows: list[dict[str, Any]]) -> Any:
    return datasets.Dataset.from_list(rows)


class LocalMMLU(MMLU):  # type: ignore[misc]
    """MMLU has no argument for rows; where its benchmark asks the hub, ours are handed over."""

    folder: Path

    def load_benchmark_dataset(self, task: MMLUTask) -> Any:
        splits = {split: _rows(self.folder / f"{split}.jsonl.gz") for split in ("dev", "test")}
        local = {
            split: [row for row in rows if row["subject"] == task.value]
            for split, rows in splits.items()
        }
        loading = datasets.load_dataset
        datasets.load_dataset = lambda *_: local
        try:
            return super().load_benchmark_dataset(task)
        finally:
            datasets.load_dataset = loading


def _both(benchmark: Any, model: FastscoreLLM, batch_size: int) -> list[list[Any]]:
    """Predictions one at a time and in batches."""
    benchmark.evaluate(model=model)
    single = benchmark.predictions
    benchmark.evaluate(model=model, batch_size=batch_size)
    assert list(single["Expected Output"]) == list(benchmark.predictions["Expected Output"])
    return [list(single["Prediction"]), list(benchmark.predictions["Prediction"])]


def test_mmlu(demo: FastscoreLLM, data_dir: Path) -> None:
    benchmark = LocalMMLU(tasks=[TASK], n_shots=1, n_problems_per_task=4)
    benchmark.folder = data_dir / "mmlu"
    single, batched = _both(benchmark, demo, 4)
    assert len(single) == 4
    assert {*single, *batched} <= set("ABCD")
    assert sum(a != b for a, b in zip(single, batched, strict=True)) <= 1  # Q4_1 rounds by batch
    right = sum(
        prediction == expected
        for prediction, expected in zip(
            batched, benchmark.predictions["Expected Output"], strict=True
        )
    )
    assert benchmark.overall_score == right / 4


def test_hellaswag(tiny: FastscoreLLM, data_dir: Path) -> None:
    rows = _rows(data_dir / "hellaswag" / "hellaswag_val_1000.jsonl.gz")
    local = datasets.DatasetDict({"train": _table(rows[500:]), "validation": _table(rows[:500])})
    labels = {row["activity_label"] for row in rows[:500]}
    task = next(task for task in HellaSwagTask if task.value in labels)
    benchmark = HellaSwag(tasks=[task], n_shots=1, n_problems_per_task=4, dataset=local)
    single, batched = _both(benchmark, tiny, 4)
    assert single == batched
    assert set(single) <= set("ABCD")


def test_gsm8k(tiny: FastscoreLLM, data_dir: Path) -> None:
    local = datasets.DatasetDict(
        {
            split: _table(_rows(data_dir / "gsm8k" / f"{split}.jsonl.gz")[:5])
            for split in ("train", "test")
        }
    )
    benchmark = GSM8K(n_shots=1, enable_cot=False, n_problems=2, dataset=local)
    result = benchmark.evaluate(model=tiny)
    assert 0 <= result.overall_accuracy <= 1
    assert all(str(said).lstrip("-").isdecimal() for said in benchmark.predictions["Prediction"])


@pytest.mark.parametrize("mode", [TruthfulQAMode.MC1, TruthfulQAMode.MC2])
def test_truthfulqa(tiny: FastscoreLLM, data_dir: Path, mode: TruthfulQAMode) -> None:
    rows = [
        {
            "question": row["question"],
            "category": "Health",
            **{
                f"mc{n}_targets": {
                    "choices": list(row[f"mc{n}_targets"]),
                    "labels": list(row[f"mc{n}_targets"].values()),
                }
                for n in (1, 2)
            },
        }
        for row in _rows(data_dir / "truthfulqa" / "mc_task_v1.jsonl.gz")[:3]
    ]
    benchmark = TruthfulQA(tasks=[TruthfulQATask.HEALTH], mode=mode)
    benchmark.mc_dataset = _table(rows)
    single, batched = _both(benchmark, tiny, 3)
    assert single == batched
    assert len(single) == 3
    if mode is TruthfulQAMode.MC1:
        assert all(said.lstrip("-").isdecimal() for said in batched)
    else:
        assert all(isinstance(json.loads(said), list) for said in batched)
