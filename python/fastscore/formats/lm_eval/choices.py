"""A line about given answers in lm-eval's files, and which of them are the right ones."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastscore.metrics import Score, shares

Right = tuple[int, ...]
"""Indices of the right choices of an item."""


@dataclass(frozen=True, slots=True)
class Choices:
    """A line about given answers: one log-likelihood a choice."""

    doc_id: int
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    loglikelihoods: tuple[float, ...]
    is_greedy: tuple[bool, ...]
    target: str
    doc: Mapping[str, Any]
    scores: dict[str, Score]

    @property
    def pred(self) -> int | None:
        """The likeliest choice, the first of equals; None where all have probability zero."""
        best = max(self.loglikelihoods)
        return None if best == -math.inf else self.loglikelihoods.index(best)

    def offers(self, part: str) -> bool:
        """Say whether the choices are those of a part of a TruthfulQA row, ``mc1`` or ``mc2``."""
        targets = self.doc.get(f"{part}_targets")
        beside = targets.get("choices") if isinstance(targets, dict) else None
        texts = self.doc.get(f"{part}_choices") if beside is None else beside
        return isinstance(texts, list) and [str(text).strip() for text in texts] == [
            text.strip() for text in self.continuations
        ]


def right_choices(lines: Sequence[Choices]) -> list[Right] | None:
    """Return the right choices of a task's items; None where the lines do not tell.

    lm-eval writes them down in several ways, and not in which one. A way is taken where it explains
    every ``acc``, and no other does that with other choices.
    """
    if any("mc2_targets" in line.doc for line in lines):
        ways = [_by_label, _by_first]
    else:
        ways = [_by_index, _by_text]
    found = [gold for way in ways if (gold := _explained(way, lines)) is not None]
    if ways[0] is _by_index and all(None in map(way, lines) for way in ways):
        return _explained(_by_score, lines)  # the targets are no help: winogrande's
    return found[0] if found and all(gold == found[0] for gold in found) else None


def _explained(
    way: Callable[[Choices], Right | None], lines: Sequence[Choices]
) -> list[Right] | None:
    """Right choices found in one way, if all items were judged by them, and all alike."""
    gold = [right for line in lines if (right := way(line)) is not None]
    if len(gold) < len(lines):
        return None
    judged = [
        (right, line) for right, line in zip(gold, lines, strict=True) if "acc" in line.scores
    ]
    alike = any(all(rule(*one) for one in judged) for rule in (_is_hit, _is_share))
    return gold if alike else None


def _is_hit(right: Right, line: Choices) -> bool:
    """Whether ``acc`` says that the likeliest choice is a right one."""
    return line.scores["acc"].value == float(line.pred in right)


def _is_share(right: Right, line: Choices) -> bool:
    """Whether ``acc`` is the share of probability that the right choices have, as in MC2."""
    found = shares(line.loglikelihoods)
    if found is None:
        return False
    share = sum(found[i] for i in right)
    return math.isclose(line.scores["acc"].value, share, rel_tol=1e-6, abs_tol=1e-9)


def _by_index(line: Choices) -> Right | None:
    """``2``, or ``[0, 2]``."""
    try:
        value = ast.literal_eval(line.target)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    values = value if isinstance(value, list) else [value]
    n = len(line.continuations)
    if not values or not all(type(one) is int and 0 <= one < n for one in values):
        return None
    return tuple(values)


def _by_text(line: Choices) -> Right | None:
    texts = [text.strip() for text in line.continuations]
    wanted = line.target.strip()
    return (texts.index(wanted),) if texts.count(wanted) == 1 else None


def _by_label(line: Choices) -> Right | None:
    """TruthfulQA MC2, whose rows say which of the answers are true; the target is 0 in all."""
    targets = line.doc.get("mc2_targets")
    labels = targets.get("labels") if isinstance(targets, dict) else None
    if not line.offers("mc2") or not isinstance(labels, list):
        return None
    if len(labels) != len(line.continuations):
        return None
    return tuple(i for i, label in enumerate(labels) if label == 1) or None


def _by_first(line: Choices) -> Right | None:
    """TruthfulQA MC1, whose rows have the answers of MC2 beside their own; the first is true."""
    return _by_index(line) if line.offers("mc1") else None


def _by_score(line: Choices) -> Right | None:
    """Of two choices: the one that was taken, or the other, as ``acc`` says."""
    if len(line.continuations) != 2 or line.pred is None or "acc" not in line.scores:
        return None
    return (line.pred,) if line.scores["acc"].value == 1 else (1 - line.pred,)
