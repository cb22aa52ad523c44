"""Time lm-eval on fastscore against lm-eval's HF backend and its road to a GGUF server.

lm-eval's own task definitions, the same local rows, the contenders in turns on this machine:

- fastscore in float32: the weights of the shipped file, dequantised; held to HF's answers choice by
  choice, by the rule of benchmarks/fidelity.py
- fastscore as shipped: the quantised file itself
- fastscore with fast weights: the same file, in the type that is quickest on this machine
- HF: lm-eval's HF backend in float32 on the dequantised weights, in an environment of its own
  (--oracle-python)
- server: llama-cpp-python's, with the dequantised weights, which lm-eval's `gguf` model asks over
  HTTP. It needs seconds a request, so it gets the first few items only, once; fastscore in float32
  is timed on these same items beside it

Time is that of the `loglikelihood` call, models loaded beforehand; the median over the rounds. A
contender is timed only if its answers are what they should be. The server's are no log-likelihoods
(benchmarks/README.md says why); its time counts because its numbers show that it did the work. One
that fails gets no time.

  python -m benchmarks.lm_eval_adapter --oracle-python ORACLE/bin/python
  python -m benchmarks.lm_eval_adapter --tasks arc_easy --limit 10 --without server
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.lm_eval_answers import Verdicts
from benchmarks.peers.llama_server import Repeats, llama_server
from benchmarks.peers.lm_eval_hf import Oracle
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import ratio, take_turns
from benchmarks.workloads.lm_eval_run import TaskManager, Timed, get_model, run_task
from benchmarks.workloads.rows import PreparedRows, Workload, data_directory, prepare
from fastscore.integrations.lm_eval import FastscoreLM
from fastscore.machine import available_cores

TASKS = ("arc_easy", "hellaswag")
FULL = 100
"""Items a task of the figures."""
F32, SHIPPED, FAST = "fastscore, float32", "fastscore, as shipped", "fastscore, fast weights"
HF, SERVER, BESIDE = "hf", "server", "fastscore, server's items"
# Longer than any request of these tasks; the server's cache is as large whatever is asked.
_SERVER_CONTEXT = 1024

Run = dict[str, Timed]
"""What came out of each task."""


class Bench:
    """The workloads, and a way to run each contender on them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self._folder = folder
        self._manager = TaskManager()
        self._shipped = models.locate(options.model, options.scratch)
        self._f32 = models.locate_f32(options.model, options.scratch)
        data = data_directory(options.data)
        self._workloads = [Workload(task, 0, options.limit) for task in options.tasks]
        self._rows: dict[str, PreparedRows] = {
            w.name: prepare(w, data, options.scratch / "rows") for w in self._workloads
        }
        self._hf_runs = 0
        self.loading = dict.fromkeys((F32, SHIPPED, FAST, HF), 0.0)
        """Seconds of each contender outside its time, the last time it ran."""

    def contenders(self) -> dict[str, Callable[[], Run]]:
        """Those that run on all items, in turns."""
        found: dict[str, Callable[[], Run]] = {
            F32: partial(self._ours, self._f32),
            SHIPPED: partial(self._ours, self._shipped),
            FAST: partial(self._ours, self._shipped, weights="fast"),
            HF: self._hf,
        }
        left_out = {FAST: "fast", HF: "hf"}
        return {
            name: partial(self._told, name, run)
            for name, run in found.items()
            if left_out.get(name) not in self.options.without
        }

    def server(self) -> tuple[Run, Run]:
        """The server's run, and ours on its items; RuntimeError where the server fails."""
        limit = min(self.options.limit, self.options.server_limit)
        with FastscoreLM(self._f32, n_threads=self.options.threads) as lm:
            beside = self._run(lm, limit)
        _print(BESIDE, beside)
        log = self._folder / "server.log"
        with llama_server(self._f32, self.options.threads, _SERVER_CONTEXT, log) as server:
            lm = get_model("gguf")(base_url=server.address, max_length=_SERVER_CONTEXT)
            with Repeats() as repeats:
                try:
                    answered = self._run(lm, limit)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}; {server.state()}"
                    raise RuntimeError(said) from error
            if repeats.said:
                raise RuntimeError(f"requests had to be repeated: {repeats.said[0]}")
        _print(SERVER, answered)
        return answered, beside

    def float32(self) -> FastscoreLM:
        """The model that contenders are checked by."""
        return FastscoreLM(self._f32, n_threads=self.options.threads)

    def _told(self, name: str, run: Callable[[], Run]) -> Run:
        started = time.perf_counter()
        found = run()
        whole = time.perf_counter() - started
        self.loading[name] = whole - sum(timed.seconds for timed in found.values())
        _print(name, found)
        return found

    def _ours(self, gguf: Path, **settings: Any) -> Run:
        with FastscoreLM(gguf, n_threads=self.options.threads, **settings) as lm:
            return self._run(lm, self.options.limit)

    def _run(self, lm: Any, limit: int) -> Run:
        return {
            w.task: run_task(
                lm, replace(w, limit=limit), self._rows[w.name], self._manager, self._folder
            )
            for w in self._workloads
        }

    def _hf(self) -> Run:
        """lm-eval's HF backend in its own environment; nothing is taken from a cache."""
        self._hf_runs += 1
        cache = self._folder / f"hf{self._hf_runs}"
        oracle = Oracle(self.options.oracle_python, cache, self.options.threads)
        answers = oracle.answers(self._f32, self._workloads, self._rows)
        return {
            w.task: Timed(answers[w.name]["loglikelihood_seconds"], answers[w.name]["items"])
            for w in self._workloads
        }


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("lm-eval on fastscore, on transformers and on a server", facts)
    print(f"  threads  {options.threads} for each")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, Path(scratch))
        contenders = bench.contenders()
        _print_plan(options, list(contenders))
        verdicts = Verdicts()
        server: tuple[Run, Run] | None = None
        if "server" not in options.without:
            try:
                server = bench.server()
            except RuntimeError as error:
                verdicts.fail(SERVER, str(error))
        runs = take_turns(contenders, options.rounds, _seconds)
        _print_estimate(options, runs, bench.loading)
        answers = {name: {t: run.items for t, run in of[0].items()} for name, of in runs.items()}
        if HF in answers:
            verdicts.float32(F32, answers[F32], answers[HF])
            for name in (SHIPPED, FAST):
                if name in answers:
                    verdicts.other_weights(name, answers[name], answers[HF])
        if server is not None:
            with bench.float32() as lm:
                verdicts.server(
                    SERVER, lm, *({t: r.items for t, r in run.items()} for run in server)
                )
    figures = [_overhead(runs[SHIPPED]), *verdicts.figures()]
    for ours, factor in ((F32, 1.3), (SHIPPED, 1.3), (FAST, 3.0)):
        if ours in runs and HF in runs:
            figures += _speedups(runs[ours], runs[HF], ours, HF, factor, verdicts)
    if "server" not in options.without:
        pair = ([server[1]], [server[0]]) if server is not None else ([], [])
        figures += _speedups(*pair, BESIDE, SERVER, 10.0, verdicts, options.tasks)
    details = {
        name: {task: [run[task].seconds for run in of] for task in options.tasks}
        for name, of in runs.items()
    }
    return conclude(figures, facts, {"seconds": details, **verdicts.details()}, options.report)


def _speedups(
    ours: Sequence[Run],
    theirs: Sequence[Run],
    our_name: str,
    their_name: str,
    factor: float,
    verdicts: Verdicts,
    tasks: Sequence[str] = (),
) -> list[Figure]:
    """How much quicker we are; NaN, with the reason, where a side did not do its work."""
    reason = verdicts.reason(our_name) or verdicts.reason(their_name)
    return [
        Figure(
            f"{task}: times as quick as {their_name}, {our_name}",
            float("nan")
            if reason
            else ratio([run[task].seconds for run in theirs], [run[task].seconds for run in ours]),
            "at least",
            factor,
            note=reason or verdicts.note(their_name),
        )
        for task in (ours[0] if ours else tasks)
    ]


def _overhead(runs: Sequence[Run]) -> Figure:
    """The time inside the adapter but outside the engine, over the engine's."""
    task = "arc_easy" if "arc_easy" in runs[0] else next(iter(runs[0]))
    shares = [
        (run[task].seconds - run[task].engine_seconds) / run[task].engine_seconds for run in runs
    ]
    return Figure(
        f"{task}: share of time that the adapter adds", statistics.median(shares), "at most", 0.02
    )


def _seconds(run: Run) -> str:
    return " + ".join(f"{timed.seconds:.1f} s" for timed in run.values())


def _print(name: str, took: Mapping[str, Timed]) -> None:
    for task, timed in took.items():
        n = len(timed.items)
        print(f"  {name:<26}{task:<12}{n:>5} items{timed.seconds:>9.2f} s", flush=True)


def _print_plan(options: argparse.Namespace, contenders: Sequence[str]) -> None:
    few = min(options.limit, options.server_limit)
    print(
        f"  plan     {options.limit} items of {', '.join(options.tasks)}, {options.rounds} rounds:"
    )
    print(f"           {'; '.join(contenders)}")
    if "server" not in options.without:
        print(f"           server and fastscore beside it: {few} items of each task, once")
    print(flush=True)


def _print_estimate(
    options: argparse.Namespace, runs: Mapping[str, Sequence[Run]], loading: Mapping[str, float]
) -> None:
    """What this machine would need for the items of the figures, from what it needed here."""
    if options.limit >= FULL:
        return
    a_round = sum(
        loading[name] + sum(t.seconds for t in of[-1].values()) * FULL / options.limit
        for name, of in runs.items()
    )
    print(f"\n  {FULL} items a task would take some {a_round / 60:.1f} minutes a round", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--model",
        default=models.SMOLLM2,
        help="smollm2 or gemma3, also dequantised, or a GGUF file, taken for both",
    )
    options.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    options.add_argument("--limit", type=int, default=FULL, metavar="N", help="items a task")
    options.add_argument("--rounds", type=int, default=3, metavar="N", help="of all but the server")
    options.add_argument(
        "--server-limit", type=int, default=5, metavar="N", help="items a task for the server"
    )
    options.add_argument("--threads", type=int, default=available_cores())
    options.add_argument(
        "--without",
        nargs="+",
        default=(),
        choices=("hf", "server", "fast"),
        help="leave these contenders out",
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
