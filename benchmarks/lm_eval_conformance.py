"""Put every row at hand through lm-eval's definition of a task and through fastscore's own.

All built-in tasks, lm-eval's through the adapter, from the same local files: what is asked, each
answer, each item's scores and the means with their errors must be equal. In the engine's place
stands one that makes a number of each request's tokens, so that all rows take minutes and another
character anywhere shows; the tests do the same on a few rows with the engine itself. Programs are
compared, not run.

  python -m benchmarks.lm_eval_conformance
  python -m benchmarks.lm_eval_conformance --limit 20
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import REPOSITORY, parser
from benchmarks.workloads.rows import data_directory

_TESTS = REPOSITORY / "tests"
"""Hold the two sides against each other on the first few rows."""
_MOST_TOKENS = 4
"""Of a text: what is written is no matter, only that both sides get the same."""
_SHOWN = 5


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(__doc__ or "")
    options.add_argument("--limit", type=int, metavar="N", help="rows a task (default: all)")
    given = options.parse_args(arguments)
    facts = provenance()
    print_header("Built-in tasks: lm-eval's definitions against fastscore's", facts)
    print()
    with tempfile.TemporaryDirectory() as scratch:
        counts, found = _compare(data_directory(given.data), Path(scratch), given.limit)
    figure = Figure("differences", len(found), "at most", 0, note=f"{sum(counts.values())} items")
    return conclude([figure], facts, {"items": counts, "differences": found}, given.report)


def _compare(data: Path, scratch: Path, limit: int | None) -> tuple[dict[str, int], list[str]]:
    """Items by how they were asked for, and all that differs; prints the first few of these."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
    sys.path[:0] = [str(_TESTS / part) for part in ("", "integrations", "tasks")]
    from conformance_rows import mmlu_subjects
    from lm_eval.tasks import TaskManager
    from lm_eval_builtin import ASKED, Asked, NothingIsRun, differences, run_both

    from fake_model import FakeModel
    from fastscore.integrations.lm_eval import FastscoreLM
    from models.vocab import CHAT_TEMPLATE

    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    everything = dict.fromkeys([*ASKED, *(Asked(f"mmlu_{one}") for one in mmlu_subjects(data))])
    manager = TaskManager()
    counts: dict[str, int] = {}
    found: list[str] = []
    model = FakeModel(chat_template=CHAT_TEMPLATE)
    with (
        patch(f"{FastscoreLM.__module__}.open_model", lambda *_: (model, False)),
        patch("evaluate.load", lambda *_: NothingIsRun()),
    ):
        lm = FastscoreLM("in the engine's place")
        for number, asked in enumerate(everything):
            folder = scratch / str(number)
            folder.mkdir()
            started = time.perf_counter()
            theirs, ours = run_both(asked, lm, manager, data, folder, limit, _MOST_TOKENS)
            different = list(differences(asked.task, theirs, ours))
            counts[str(asked)] = ours.n
            found += different
            print(
                f"  {asked!s:<66}{ours.n:>6} items, {len(different)} differences, "
                f"{time.perf_counter() - started:.0f} s",
                flush=True,
            )
            for one in different[:_SHOWN]:
                print(f"    {one[:300]}")
    return counts, found


if __name__ == "__main__":
    sys.exit(main())
