"""Time `--weights fast` against the file's own weights, and compare their accuracy item by item.

Both models are open in one process and take turns; the choice of the type is made beforehand, as
it is remembered. Accuracy must lie within the paired 95 % interval of native's: that of the
difference over the same items holds 0. Twice as fast is promised where the processor has BF16
instructions (avx512_bf16, amx_bf16, or ARM's bf16).

  python -m benchmarks.fast_weights
  python -m benchmarks.fast_weights --limit 40
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.ours import Scored, score
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.report.pairing import alternate
from benchmarks.workloads.rows import Workload, data_directory, prepare
from fastscore import Model
from fastscore.machine import available_cores
from fastscore.statistics.paired import compare_paired

SPEEDUP = 2.0
MARGIN = 0.01
"""Of the equivalence test that is reported beside; it decides nothing here."""

ALL_ROWS = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Speed: weights re-encoded into the quickest type against the file's own", facts)
    print(f"  threads  {options.threads} for both")
    workload = Workload("arc_easy", 0, options.limit or ALL_ROWS)
    rows = prepare(workload, data_directory(options.data), options.scratch / "rows")
    gguf = models.locate(options.model, options.scratch)
    with (
        Model(gguf, n_threads=options.threads, weights="fast") as fast,
        Model(gguf, n_threads=options.threads) as native,
    ):
        assert fast.choice is not None
        for sentence in fast.choice.sentences():
            print(f"  {sentence}")
        last: dict[str, Scored] = {}

        def timed(name: str, model: Model) -> float:
            last[name] = score(model, workload, rows)
            return last[name].seconds

        pairing = alternate(
            lambda: timed("fast", fast),
            lambda: timed("native", native),
            options.rounds,
            workload.task,
        )
        choice = fast.choice.to_dict()
    figures = [_accuracy(metric, last) for metric in ("acc", "acc_norm")]
    note = "fewer items than the figure's" if options.limit else ""
    figures.append(Figure("speedup", pairing.speedup, "at least", SPEEDUP, "x", note))
    details: dict[str, Any] = {
        "choice": choice,
        "n_items": len(last["fast"].samples),
        "fast_seconds": pairing.ours,
        "native_seconds": pairing.theirs,
    }
    return conclude(figures, facts, details, options.report)


def _accuracy(metric: str, scored: dict[str, Scored]) -> Figure:
    """The difference in half-widths of its interval, on the side where 0 lies."""
    native, fast = (
        np.array([sample[metric] for sample in scored[name].samples]) for name in ("native", "fast")
    )
    found = compare_paired(native, fast, MARGIN)
    low, high = found.ci95
    print(
        f"  {metric}: {found.candidate:.4f} against {found.base:.4f}, difference "
        f"{found.difference:+.4f} (95 % interval {low:+.4f} to {high:+.4f}), "
        f"{found.n_gained} gained, {found.n_lost} lost of {found.n}"
    )
    half = found.difference - low if found.difference > 0 else high - found.difference
    share = abs(found.difference) / half if found.difference else 0.0
    return Figure(f"{metric}, difference in half-widths of its interval", share, "at most", 1.0)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--model",
        type=str,
        default=models.SMOLLM2,
        help="smollm2, gemma3 or a GGUF file (default: smollm2)",
    )
    options.add_argument("--rounds", type=int, default=1, help="default: %(default)s")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    options.add_argument("--limit", type=int, metavar="N", help="items, for a quick look")
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
