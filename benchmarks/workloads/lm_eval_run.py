"""lm-eval's own tasks on local rows, run in this process, with clocks around its model."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import lm_eval
import yaml
from lm_eval.api.registry import get_model
from lm_eval.tasks import TaskManager

from benchmarks.peers.lm_eval_hf import data_files
from benchmarks.workloads.rows import PreparedRows, Workload
from fastscore.integrations.lm_eval import FastscoreLM

__all__ = ["TaskManager", "Timed", "get_model", "run_task"]


@dataclass(frozen=True)
class Timed:
    """What a contender took for the requests of one task, and what it answered.

    ``engine_seconds`` is the part inside fastscore's engine, NaN for others.
    """

    seconds: float
    items: list[dict[str, Any]]
    engine_seconds: float = float("nan")


def run_task(
    lm: Any, workload: Workload, rows: PreparedRows, manager: TaskManager, folder: Path
) -> Timed:
    """One task; the clock runs while lm-eval waits for its model."""
    seconds = 0.0
    ask: Callable[..., Any] = lm.loglikelihood
    engine = _EngineClock(lm) if isinstance(lm, FastscoreLM) else None

    def timed(requests: Any, **options: Any) -> Any:
        nonlocal seconds
        started = time.perf_counter()
        answers = ask(requests, **options)
        seconds += time.perf_counter() - started
        if len(answers) != len(requests):
            raise RuntimeError(f"{len(answers)} answers to {len(requests)} requests")
        return answers

    lm.loglikelihood = timed
    try:
        results = lm_eval.simple_evaluate(
            model=lm,
            tasks=[_task_file(workload, rows, manager, folder)],
            num_fewshot=workload.num_fewshot,
            limit=workload.limit,
            task_manager=manager,
            bootstrap_iters=0,
        )
    finally:
        del lm.loglikelihood
        if engine is not None:
            engine.stop()
    assert results is not None
    samples = sorted(results["samples"][workload.task], key=lambda sample: sample["doc_id"])
    items = [_item(sample) for sample in samples]
    return Timed(seconds, items) if engine is None else Timed(seconds, items, engine.seconds)


class _EngineClock:
    """Seconds inside the two calls by which the adapter has the engine work."""

    def __init__(self, lm: FastscoreLM) -> None:
        self._attributes = vars(lm.model)
        self.seconds = 0.0
        encode, scoring = lm.model.encode, lm.model.scoring

        def timed_encode(*arguments: Any) -> Any:
            started = time.perf_counter()
            encoded = encode(*arguments)
            self.seconds += time.perf_counter() - started
            return encoded

        def timed_scoring(*arguments: Any) -> Iterator[Any]:
            started = time.perf_counter()
            for done in scoring(*arguments):
                self.seconds += time.perf_counter() - started
                yield done
                started = time.perf_counter()
            self.seconds += time.perf_counter() - started

        self._attributes.update(encode=timed_encode, scoring=timed_scoring)

    def stop(self) -> None:
        del self._attributes["encode"], self._attributes["scoring"]


def _task_file(workload: Workload, rows: PreparedRows, manager: TaskManager, folder: Path) -> str:
    """lm-eval's own configuration, but for where the rows come from."""
    config = {
        "include": str(manager.task_index[workload.task].yaml_path),
        "task": workload.task,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {
            "data_files": data_files(workload, rows),
            "cache_dir": str(folder / "datasets"),
        },
    }
    path = folder / f"{workload.task}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)


def _item(sample: dict[str, Any]) -> dict[str, Any]:
    """A sample as benchmarks.comparison reads both sides."""
    contexts = [context for context, _ in sample["arguments"]]
    return {
        "doc_id": sample["doc_id"],
        "context": contexts,
        "contexts": contexts,
        "continuations": [continuation for _, continuation in sample["arguments"]],
        "loglikelihoods": [answer[0][0] for answer in sample["resps"]],
        **{metric: float(sample[metric]) for metric in ("acc", "acc_norm") if metric in sample},
    }
