"""Whether contenders answered what they should have, before their times count.

Float32 is held to HF's answers choice by choice. Quantised weights round activations, so their
answers are looked at as a whole. The server's are held to what it is known to compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.comparison import compare
from benchmarks.peers.llama_server import likelihoods_by_the_servers_rule, same_value
from benchmarks.report.figures import Figure
from fastscore.integrations.lm_eval import FastscoreLM

Items = Mapping[str, Sequence[Mapping[str, Any]]]
"""By task, items with ``contexts``, ``continuations`` and ``loglikelihoods``."""

# Of the items, how many may be answered by another choice with weights that round otherwise.
_OTHER_ANSWERS = 0.15


class Verdicts:
    """What was found out about each contender's answers."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._figures: list[Figure] = []
        self._details: dict[str, Any] = {}

    def reason(self, contender: str) -> str:
        """Why a contender's time does not count, or nothing."""
        return self._reasons.get(contender, "")

    def note(self, contender: str) -> str:
        """What is to be known of a contender whose time counts."""
        return self._notes.get(contender, "")

    def figures(self) -> list[Figure]:
        return self._figures

    def details(self) -> dict[str, Any]:
        return {"answers": self._details, "failed": self._reasons}

    def fail(self, contender: str, reason: str) -> None:
        print(f"  {contender} FAILED: {reason}", flush=True)
        self._reasons[contender] = reason.partition("\n")[0]

    def float32(self, contender: str, ours: Items, theirs: Items) -> None:
        """The same weights in the same type: each choice within the tolerance of fidelity."""
        for task, items in ours.items():
            found = compare(theirs[task], items)
            self._details[f"{contender}: {task}"] = asdict(found)
            self._figures.append(
                Figure(
                    f"{task}: answers that differ from hf's, {contender}",
                    len(found.faults),
                    "at most",
                    0,
                    note=f"mean |d| {found.mean_difference:.5f}, max {found.worst_difference:.5f}, "
                    f"{found.worst_share:.1%} of the limit",
                )
            )

    def other_weights(self, contender: str, ours: Items, theirs: Items) -> None:
        """The same weights, multiplied less precisely: the same choice on nearly all items."""
        for task, items in ours.items():
            found = compare(theirs[task], items)
            others = sum(
                _best(one) != _best(other) for one, other in zip(items, theirs[task], strict=True)
            )
            accuracies = [
                sum(item["acc"] for item in side) / len(side) for side in (items, theirs[task])
            ]
            self._details[f"{contender}: {task}"] = {
                "mean_difference": found.mean_difference,
                "other_choices": others,
                "acc": accuracies[0],
                "acc_hf": accuracies[1],
            }
            print(
                f"  {contender:<26}{task:<12} against hf: {others} of {len(items)} items get "
                f"another choice, mean |d| {found.mean_difference:.3f}, acc {accuracies[0]:.3f} "
                f"(hf {accuracies[1]:.3f})"
            )
            # One item more, so that a run on a handful does not hang on one close call.
            if found.n_items != len(items) or others > 1 + _OTHER_ANSWERS * len(items):
                self.fail(contender, f"{task}: {others} of {len(items)} items get another choice")

    def server(self, contender: str, lm: FastscoreLM, theirs: Items, ours: Items) -> None:
        """The server's numbers: how many are log-likelihoods, how many what its rule gives."""
        for task, items in theirs.items():
            found = _choices(items)
            right = _choices(ours[task])
            known = [v for item in likelihoods_by_the_servers_rule(lm, items) for v in item]
            n_right = sum(map(same_value, right, found))
            n_known = sum(map(same_value, known, found))
            self._details[f"{contender}: {task}"] = {
                "choices": len(found),
                "log_likelihoods": n_right,
                "by_its_own_rule": n_known,
            }
            said = (
                f"{n_right} of its {len(found)} answers are the log-likelihoods, {n_known} are "
                "what its rule gives"
            )
            print(f"  {contender:<26}{task:<12} {said}")
            if n_known == len(found):
                self._notes[contender] = (
                    "did the work, with wrong answers: see benchmarks/README.md"
                )
            elif n_right < len(found):
                self.fail(contender, f"{task}: {said}")


def _best(item: Mapping[str, Any]) -> int:
    values = item["loglikelihoods"]
    return int(max(range(len(values)), key=values.__getitem__))


def _choices(items: Sequence[Mapping[str, Any]]) -> list[float]:
    return [float(value) for item in items for value in item["loglikelihoods"]]
