"""Time lm-eval on fastscore against lm-eval's HF backend and its road to a GGUF server.

One file of float32 weights, lm-eval's own task definitions, the same local rows, one after the
other on this machine: fastscore as shipped and with the quickest weights, transformers in float32
(in an environment of its own, --oracle-python), and llama-cpp-python's server, which lm-eval's
``gguf`` model asks over HTTP. Time is that of the ``loglikelihood`` call, models loaded beforehand.
The server needs seconds a request, so it is asked for fewer items, and fastscore for the same ones.
Beside it: each choice against the HF backend's, by the rule of benchmarks/fidelity.py, and what the
adapter adds to the engine's own time.

  python -m benchmarks.lm_eval_adapter --oracle-python ORACLE/bin/python
  python -m benchmarks.lm_eval_adapter --tasks arc_easy --limit 10 --without server
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

import lm_eval
import yaml
from lm_eval.api.registry import get_model
from lm_eval.tasks import TaskManager

from benchmarks import models
from benchmarks.comparison import Comparison, compare
from benchmarks.peers.llama_server import llama_server
from benchmarks.peers.lm_eval_hf import Oracle, data_files
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.rows import PreparedRows, Workload, data_directory, prepare
from fastscore.integrations.lm_eval import FastscoreLM
from fastscore.machine import available_cores

TASKS = ("arc_easy", "hellaswag")
FOR_SERVER = "fastscore, server's items"
CONTENDERS = ("hf", "server", "fast")
_OVERHEAD_ROUNDS = 7
# Longer than any request of these tasks; the server's cache is as large whatever is asked.
_SERVER_CONTEXT = 1024


@dataclass(frozen=True)
class Timed:
    """What a contender took for the requests of one task, and what it answered."""

    seconds: float
    items: list[dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("lm-eval on fastscore, on transformers and on a server", facts)
    print(f"  threads  {options.threads} for each\n")
    data = data_directory(options.data)
    gguf = models.locate_f32(options.model, options.scratch)
    workloads = [Workload(task, 0, options.limit) for task in options.tasks]
    rows = {w.name: prepare(w, data, options.scratch / "rows") for w in workloads}
    manager = TaskManager()
    few = min(options.limit, options.server_limit)
    took: dict[str, dict[str, Timed]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)

        def run(name: str, lm: Any, limit: int = options.limit) -> None:
            took[name] = {
                w.task: _evaluate(lm, replace(w, limit=limit), rows[w.name], manager, folder)
                for w in workloads
            }
            _print(name, took[name])

        with FastscoreLM(gguf, n_threads=options.threads) as lm:
            run("fastscore", lm)
            overhead = _overhead(lm, took["fastscore"])
            if "server" not in options.without:
                run(FOR_SERVER, lm, few)
        if "fast" not in options.without:
            with FastscoreLM(gguf, n_threads=options.threads, weights="fast") as lm:
                run("fastscore, fast weights", lm)
        if "server" not in options.without:
            with llama_server(gguf, options.threads, _SERVER_CONTEXT, folder / "log") as address:
                run("server", get_model("gguf")(base_url=address, max_length=_SERVER_CONTEXT), few)
        if "hf" not in options.without:
            took["hf"] = _hf(gguf, workloads, rows, options, folder)
            _print("hf", took["hf"])
    figures, details = _judge(took, overhead)
    return conclude(figures, facts, details, options.report)


def _evaluate(
    lm: Any, workload: Workload, rows: PreparedRows, manager: TaskManager, folder: Path
) -> Timed:
    """One task; the clock runs while lm-eval waits for its model."""
    seconds = 0.0
    ask: Callable[..., Any] = lm.loglikelihood

    def timed(requests: Any, **options: Any) -> Any:
        nonlocal seconds
        started = time.perf_counter()
        answers = ask(requests, **options)
        seconds += time.perf_counter() - started
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
        lm.loglikelihood = ask
    assert results is not None
    samples = sorted(results["samples"][workload.task], key=lambda sample: sample["doc_id"])
    return Timed(seconds, [_item(sample) for sample in samples])


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


def _overhead(lm: FastscoreLM, took: dict[str, Timed]) -> float:
    """The share that the adapter adds to the engine's own time for the same pairs.

    In turns, and the quickest of each counts: what is looked for is less than the noise of one.
    """
    from lm_eval.api.instance import Instance

    pairs = [
        pair
        for item in next(iter(took.values())).items[:20]
        for pair in zip(item["contexts"], item["continuations"], strict=True)
    ]
    requests = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]
    engine, adapter = [], []
    for _ in range(_OVERHEAD_ROUNDS):
        started = time.perf_counter()
        lm.model.loglikelihood(pairs)
        between = time.perf_counter()
        lm.loglikelihood(requests)
        engine.append(between - started)
        adapter.append(time.perf_counter() - between)
    return min(adapter) / min(engine) - 1


def _hf(
    gguf: Path,
    workloads: Sequence[Workload],
    rows: dict[str, PreparedRows],
    options: argparse.Namespace,
    folder: Path,
) -> dict[str, Timed]:
    """lm-eval's HF backend in its own environment; nothing is taken from a cache."""
    oracle = Oracle(options.oracle_python, folder / "hf", options.threads)
    answers = oracle.answers(gguf, workloads, rows)
    return {
        w.task: Timed(answers[w.name]["loglikelihood_seconds"], answers[w.name]["items"])
        for w in workloads
    }


def _print(name: str, took: dict[str, Timed]) -> None:
    for task, timed in took.items():
        n = len(timed.items)
        print(f"  {name:<26}{task:<12}{n:>5} items{timed.seconds:>9.2f} s", flush=True)


def _judge(
    took: dict[str, dict[str, Timed]], overhead: float
) -> tuple[list[Figure], dict[str, Any]]:
    figures = [
        Figure("share of time that the adapter adds", overhead, "at most", 0.02),
    ]
    limits = {
        "fastscore": {"hf": 1.3},
        FOR_SERVER: {"server": 10.0},
        "fastscore, fast weights": {"hf": 3.0},
    }
    details: dict[str, Any] = {"overhead": overhead}
    for ours, against in limits.items():
        for theirs, factor in against.items():
            if ours in took and theirs in took:
                figures += [
                    Figure(
                        f"{task}: times as quick as {theirs}, {ours}",
                        took[theirs][task].seconds / timed.seconds,
                        "at least",
                        factor,
                    )
                    for task, timed in took[ours].items()
                ]
    for name, tasks in took.items():
        for task, timed in tasks.items():
            details[f"{name}: {task}"] = {"seconds": timed.seconds, "n": len(timed.items)}
            if "hf" in took and name != "hf":
                result = compare(took["hf"][task].items[: len(timed.items)], timed.items)
                details[f"{name}: {task}"]["against hf"] = asdict(result)
                _print_fidelity(name, task, result)
                if name == "fastscore":
                    figures.append(
                        Figure(f"{task}: faults against hf", len(result.faults), "at most", 0)
                    )
    return figures, details


def _print_fidelity(name: str, task: str, result: Comparison) -> None:
    print(
        f"  {name:<26}{task:<12} against hf: mean |d| {result.mean_difference:.5f}, max "
        f"{result.worst_difference:.5f}, {result.worst_share:.1%} of the limit, "
        f"{len(result.faults)} faults"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--model",
        default=models.SMOLLM2,
        help="smollm2 or gemma3, dequantised first, or a GGUF file with float32 weights",
    )
    options.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    options.add_argument("--limit", type=int, default=100, metavar="N", help="items a task")
    options.add_argument(
        "--server-limit", type=int, default=10, metavar="N", help="items a task for the server"
    )
    options.add_argument("--threads", type=int, default=available_cores())
    options.add_argument(
        "--without", nargs="+", default=(), choices=CONTENDERS, help="leave these contenders out"
    )
    options.add_argument(
        "--oracle-python",
        type=Path,
        metavar="PYTHON",
        help="interpreter with lm-eval, torch, transformers and gguf, for the HF backend",
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
