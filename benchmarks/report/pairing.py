"""Timing contenders side by side, so that a machine that slows down slows down all."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Pairing:
    """Seconds of both contenders, round by round; each round ran one right after the other."""

    ours: list[float]
    theirs: list[float]

    @property
    def median_ours(self) -> float:
        return statistics.median(self.ours)

    @property
    def median_theirs(self) -> float:
        return statistics.median(self.theirs)

    @property
    def speedup(self) -> float:
        """Median over the rounds of their time divided by ours."""
        rounds = zip(self.theirs, self.ours, strict=True)
        return statistics.median(theirs / ours for theirs, ours in rounds)


def alternate(
    ours: Callable[[], float], theirs: Callable[[], float], rounds: int, name: str
) -> Pairing:
    """Time both ``rounds`` times; who goes first changes with every round."""
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    contenders = [("ours", ours), ("theirs", theirs)]
    for number in range(rounds):
        for who, run in contenders if number % 2 == 0 else contenders[::-1]:
            seconds[who].append(run())
        print(
            f"  {name}, round {number + 1} of {rounds}: "
            f"{seconds['ours'][-1]:.2f} s against {seconds['theirs'][-1]:.2f} s",
            file=sys.stderr,
            flush=True,
        )
    return Pairing(seconds["ours"], seconds["theirs"])


def take_turns(
    contenders: Mapping[str, Callable[[], Measured]],
    rounds: int,
    describe: Callable[[Measured], str],
) -> dict[str, list[Measured]]:
    """Run all contenders ``rounds`` times; who goes first moves on with every round."""
    measured: dict[str, list[Measured]] = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            measured[name].append(contenders[name]())
        line = ", ".join(f"{name} {describe(measured[name][-1])}" for name in names)
        print(f"  round {number + 1} of {rounds}: {line}", file=sys.stderr, flush=True)
    return measured


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Median over the rounds of our value divided by theirs."""
    return statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
