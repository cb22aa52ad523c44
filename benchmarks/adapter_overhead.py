"""Measure what the adapters add to the time of a run, on arc_easy, with one warm model.

The figure is an adapter's own share of the time of the run it is part of, since the difference of
two runs is mostly the machine's moods; that difference stands beside it.

- MLflow, OpenTelemetry: the time that `evaluate` waits for the observer, up to the last byte sent,
  and the CPU time of its threads, over the rest. A real tracking server with SQLite and a taker of
  OTLP spans run on this machine and share its cores. Answers do not come from the store. What the
  tracking server's processes take of a core meanwhile is said beside the figure and not judged.
- lm-eval: the time of its `loglikelihood` calls outside the engine (`encode` and scoring, which
  `evaluate` has too) over that inside. lm-eval's own work before and after is its own.
- DeepEval, RAGAs, Phoenix: the adapter is asked for all answers at a time, which must be one run of
  the engine: the time outside of `Assistant.answer` over that inside. Answers are short, so that
  what an adapter adds shows more than it would in use.

A part whose tool is not installed is left out with a word, and one whose answers are not those of
`evaluate` or `Assistant.answer` on the same items gets no figure. The spread is over the rounds.

  python -m benchmarks.adapter_overhead
  python -m benchmarks.adapter_overhead --items 20 --questions 8 --rounds 1 --parts lm-eval mlflow
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import take_turns
from benchmarks.workloads.adapters import (
    Answers,
    Asked,
    Observed,
    assistants,
    lm_eval_share,
    mlflow,
    plain,
    tracing,
)
from benchmarks.workloads.rows import Workload, data_directory, prepare
from fastscore import Model
from fastscore.errors import FastscoreError
from fastscore.machine import available_cores

PARTS = ("mlflow", "opentelemetry", "lm-eval", "deepeval", "ragas", "phoenix")
MOST = 0.02
WARM_ITEMS = 20
# Of texts that a differently composed batch may write otherwise: its rounding is another.
ALIKE = 0.9

# Before any of the tools is imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DEEPEVAL_TELEMETRY_OPT_OUT", "1")
os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Overhead of the adapters, arc_easy 0-shot", facts)
    workload = Workload("arc_easy", 0, options.items)
    rows = prepare(workload, data_directory(options.data), options.scratch / "rows")
    gguf = models.locate(options.model, options.scratch)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = stack.enter_context(Model(gguf, n_threads=options.threads))
        observed = Observed(model, rows)
        runs: dict[str, Callable[[int], Answers]] = {"plain": plain(observed)}
        for name, enter in (("mlflow", mlflow), ("opentelemetry", tracing)):
            if name in options.parts and (run := _entered(name, enter, observed, folder, stack)):
                runs[name] = run
        if len(runs) > 1:
            found = _over_plain(runs, "plain", options.items, options.rounds, 0.0)
            figures += found[0]
            details["runs"] = found[1]
        if "lm-eval" in options.parts:
            figures += _lm_eval(model, workload, rows, folder, options, runs["plain"])
        asked = _assistants(model, rows, options)
        if len(asked) > 1:
            found = _over_plain(asked, "assistant", options.questions, options.rounds, 1 - ALIKE)
            figures += found[0]
            details["assistants"] = found[1]
    return conclude(figures, facts, details, options.report)


def _entered(
    name: str,
    enter: Callable[[Observed, Path, ExitStack], Callable[[int], Answers]],
    observed: Observed,
    folder: Path,
    stack: ExitStack,
) -> Callable[[int], Answers] | None:
    try:
        return enter(observed, folder, stack)
    except (FastscoreError, ImportError, RuntimeError) as error:
        print(f"  left out: {name}: {error}", flush=True)
        return None


def _assistants(
    model: Model, rows: Any, options: argparse.Namespace
) -> dict[str, Callable[[int], Answers]]:
    wanted = [name for name in ("deepeval", "ragas", "phoenix") if name in options.parts]
    if not wanted:
        return {}
    asked = Asked(model, rows, options.questions, options.tokens)
    found = {"assistant": asked.through(asked.directly)}
    for name in wanted:
        try:
            found[name] = assistants(name, asked)
        except (FastscoreError, ImportError) as error:
            print(f"  left out: {name}: {error}", flush=True)
    return found


def _over_plain(
    runs: Mapping[str, Callable[[int], Answers]],
    base: str,
    n: int,
    n_rounds: int,
    may_differ: float,
) -> tuple[list[Figure], dict[str, list[float]]]:
    """Time all in turns on ``n`` items, once their answers to a few have been found the same."""
    few = {name: run(WARM_ITEMS) for name, run in runs.items()}
    wrong = {
        name: reason
        for name in runs
        if (reason := few[name].differs(few[base], may_differ)) is not None
    }
    for name, reason in wrong.items():
        print(f"  {name} is not timed: {reason}", flush=True)
    sound = {name: run for name, run in runs.items() if name not in wrong}
    timed = take_turns(
        {name: lambda run=run: run(n) for name, run in sound.items()},  # type: ignore[misc]
        n_rounds,
        lambda answers: f"{answers.seconds:.2f} s",
    )
    figures = []
    for name in runs:
        if name == base:
            continue
        rounds = list(zip(timed.get(name, []), timed[base], strict=False))
        reason = wrong.get(name) or next(
            (why for one, its in rounds if (why := one.differs(its, may_differ))), None
        )
        shares = [one.share for one, _ in rounds]
        slower = [one.seconds / its.seconds - 1 for one, its in rounds]
        beside = f"; {statistics.median(slower):+.1%} beside {base}" if rounds else ""
        served = [one.server / one.seconds for one, _ in rounds if one.server is not None]
        if served:
            beside += f"; its server takes {statistics.median(served):.1%} of a core meanwhile"
        figures.append(_figure(name, shares, reason, beside))
    return figures, {name: [one.seconds for one in of] for name, of in timed.items()}


def _lm_eval(
    model: Model,
    workload: Workload,
    rows: Any,
    folder: Path,
    options: argparse.Namespace,
    peer: Callable[[int], Answers],
) -> list[Figure]:
    try:
        run = lm_eval_share(model, workload, rows, folder)
    except (FastscoreError, ImportError) as error:
        print(f"  left out: lm-eval: {error}", flush=True)
        return []
    reason = run(WARM_ITEMS).differs(peer(WARM_ITEMS), 0.0)
    shares = [] if reason else [run(options.items).share for _ in range(options.rounds)]
    return [_figure("lm-eval", shares, reason)]


def _figure(name: str, shares: Sequence[float], reason: str | None, beside: str = "") -> Figure:
    title = f"{name}: added to the time, %"
    if reason is not None or not shares:
        return Figure(title, float("nan"), "at most", 100 * MOST, note=reason or "")
    low, high = min(shares), max(shares)
    note = f"{len(shares)} rounds, {low:.2%} to {high:.2%}{beside}"
    return Figure(title, 100 * statistics.median(shares), "at most", 100 * MOST, note=note)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--model", default=models.SMOLLM2, help="default: %(default)s")
    options.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="default: all of %(choices)s"
    )
    options.add_argument("--items", type=int, default=2376, help="default: all (%(default)s)")
    options.add_argument(
        "--questions", type=int, default=200, help="for the assistants (default: %(default)s)"
    )
    options.add_argument(
        "--tokens", type=int, default=32, help="of an answer, at most (default: %(default)s)"
    )
    options.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
