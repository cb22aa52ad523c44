"""Judge written outputs as lm-eval does: what is taken from them, and when it counts.

The outputs are real ones where there are any (of OpenAI's models and of Mixtral 8x7B and GPT-4 on
GSM8K, of SmolLM2 on both GSM8K and TriviaQA), TriviaQA's aliases in disguises, and solutions of
HumanEval and MBPP, of which the whole programs are compared. lm-eval lives in an environment of its
own; the test suite holds digests of the same judgements.

  python -m benchmarks.judging --oracle-python ORACLE/bin/python
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import REPOSITORY, parser
from benchmarks.report.process import run
from benchmarks.workloads.rows import data_directory

TESTS = REPOSITORY / "tests" / "tasks"
"""Has the outputs, and lm-eval's side."""
REAL = 200
"""Outputs that models wrote, at least, of each task whose answers are words."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.add_argument(
        "--oracle-python",
        type=Path,
        required=True,
        metavar="PYTHON",
        help="interpreter with lm-eval 0.4.13, torch, transformers",
    )
    given = options.parse_args(arguments)
    facts = provenance()
    print_header("Judging: fastscore against lm-eval", facts)
    # Before the modules that read it at their import.
    os.environ["FASTSCORE_DATA"] = str(data_directory(given.data))

    theirs = given.scratch / "verdicts.jsonl"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    worker = str(TESTS / "lm_eval_open.py")
    run([str(given.oracle_python), worker, "--verdicts", str(theirs)])
    with theirs.open(encoding="utf-8") as lines:
        print(f"  oracle   {json.loads(next(lines))}\n")
        counts, different = _compare(map(json.loads, lines))

    for name, n in counts.items():
        print(f"  {name:<30} {n:6} outputs, {different[name]} judged differently")
    figures = [Figure("judged differently", sum(different.values()), "at most", 0)]
    for task, sets in {"gsm8k": ("openai", "routellm"), "triviaqa": ("smollm2",)}.items():
        n = sum(counts[f"{task}/{one}"] for one in sets)
        figures.append(Figure(f"real outputs of {task}", n, "at least", REAL))
    return conclude(figures, facts, {"outputs": counts, "different": different}, given.report)


def _compare(theirs: Iterator[Any]) -> tuple[dict[str, int], dict[str, int]]:
    """Outputs, and those judged differently, by set; prints the first few of the latter."""
    sys.path.insert(0, str(TESTS))
    from conformance_cases import DATA
    from open_cases import OUTPUTS
    from open_verdicts import fastscore_verdicts

    counts, different = dict.fromkeys(OUTPUTS, 0), dict.fromkeys(OUTPUTS, 0)
    for name, outputs in OUTPUTS.items():
        for verdict in fastscore_verdicts(name.partition("/")[0], outputs(DATA)):
            their = next(theirs)
            counts[name] += 1
            if their != [name, *astuple(verdict)]:
                different[name] += 1
                if different[name] <= 3:
                    print(f"  ours   {verdict}\n  theirs {their}")
    if next(theirs, None) is not None:
        raise SystemExit("lm-eval judged more outputs than there are; delete the scratch folder")
    return counts, different


if __name__ == "__main__":
    sys.exit(main())
