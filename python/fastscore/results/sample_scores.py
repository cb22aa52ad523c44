"""What a file of samples made elsewhere is worth: pass@k, and how its programs ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastscore.results.document import write_metric
from fastscore.results.generation import ExecutionSummary
from fastscore.results.generation_document import write_execution
from fastscore.results.generation_notes import execution_notes, passed_note
from fastscore.sizes import counted
from fastscore.statistics.means import MetricValue


@dataclass(frozen=True, slots=True)
class SampleScores:
    """The scores of a file of samples; ``print`` shows them.

    Attributes:
        pass_at_k: By k, the estimate over problems with its standard error and 95 % interval.
        n_problems: Problems.
        n_samples: Samples of a problem: the least and the most.
        none_passed: Share of problems with c = 0: no sample passed.
        all_passed: Share of problems with c = n.
        execution: How the programs were run, and how they ended.
        results_file: Where the lines were written, each with its verdict.

    """

    pass_at_k: Mapping[int, MetricValue]
    n_problems: int
    n_samples: tuple[int, int]
    none_passed: float
    all_passed: float
    execution: ExecutionSummary
    results_file: Path

    def to_dict(self) -> dict[str, Any]:
        """Return plain values of strict JSON: what is undefined is None, its reason beside it."""
        return {
            "metrics": {f"pass@{k}": write_metric(one) for k, one in self.pass_at_k.items()},
            "n_problems": self.n_problems,
            "n_samples": list(self.n_samples),
            "none_passed": self.none_passed,
            "all_passed": self.all_passed,
            "execution": write_execution(self.execution),
            "results_file": str(self.results_file),
        }

    def __str__(self) -> str:
        least, most = self.n_samples
        samples = counted(most, "sample") if least == most else f"{least:,} to {most:,} samples"
        lines = [f"{counted(self.n_problems, 'problem')}, {samples} each", ""]
        lines += [f"{'metric':<10}  {'value':>6}  {'stderr':>6}  95 % interval"]
        for k, one in self.pass_at_k.items():
            low, high = one.ci95
            between = "n/a" if math.isnan(low) else f"{low:.4f} to {high:.4f}"
            stderr = "n/a" if math.isnan(one.stderr) else f"{one.stderr:.4f}"
            lines.append(f"pass@{k:<5}  {one.value:.4f}  {stderr:>6}  {between}")
        notes = [passed_note(self.none_passed, self.all_passed), *execution_notes(self.execution)]
        notes += [one.reason for one in self.pass_at_k.values() if one.reason is not None]
        return "\n".join(
            [*lines, "", *(f"{note[0].upper()}{note[1:]}." for note in dict.fromkeys(notes))]
        )
