"""Running the programs that a model wrote, in the sandbox, with progress."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

from fastscore.closing import Closing
from fastscore.generation_settings import SandboxLevel
from fastscore.results import ExecutionSummary

if TYPE_CHECKING:
    from fastscore.sandbox import Execution, Program


class Executor(Closing):
    """A sandbox, opened before anything is generated: that it cannot be had is said at once.

    ``timeout`` is the CPU time of one program in seconds.

    Raises:
        SandboxError: this level of confinement is not to be had here.

    """

    def __init__(
        self, level: SandboxLevel, *, timeout: float = 3.0, workers: int | None = None
    ) -> None:
        from fastscore.sandbox import Sandbox, SandboxLimits

        self._limits = SandboxLimits(cpu_seconds=timeout)
        self._stack = ExitStack()
        self._sandbox = self._stack.enter_context(
            Sandbox(level, workers=workers, limits=self._limits)
        )
        self.seconds = 0.0
        self.n_programs = 0

    @property
    def description(self) -> str:
        """What confines the programs, in one line for people."""
        return self._sandbox.description.removeprefix(f"{self._sandbox.level}: ")

    def run(self, programs: Sequence[Program], advance: Callable[[int], None]) -> list[Execution]:
        """Judge all programs; ``advance`` is called with how many have ended so far."""
        started = time.perf_counter()
        ended: dict[int, Execution] = {}
        try:
            for index, execution in self._sandbox.run(programs):
                ended[index] = execution
                advance(len(ended))
        finally:
            self.seconds += time.perf_counter() - started
            self.n_programs += len(ended)
        return [ended[index] for index in range(len(programs))]

    def summary(self, executions: Sequence[Execution]) -> ExecutionSummary:
        """Sum up how programs ended."""
        counts = Counter(one.outcome for one in executions)
        return ExecutionSummary(
            sandbox=self._sandbox.level,
            description=self.description,
            limits={**asdict(self._limits), "wall_seconds": self._limits.deadline},
            outcomes=dict(sorted(counts.items(), key=lambda pair: -pair[1])),
            near_limit=sum(one.near_limit for one in executions),
        )

    def close(self) -> None:
        """End the sandbox and all that runs in it; a second call does nothing."""
        self._stack.close()
