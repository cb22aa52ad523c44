"""A sandbox that judges by reading: a program passes when it says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import fastscore.sandbox
from fastscore.errors import FastscoreError
from fastscore.sandbox import Execution, Program, SandboxLimits


class FakeSandbox:
    """Stands in for `fastscore.sandbox.Sandbox`; the last programs end first.

    A program passes when its source has ``right`` in it, and is slow when it has ``slow``.
    """

    opened: list[FakeSandbox]
    missing = False
    stop_after: int | None = None

    def __init__(
        self, level: str = "strong", *, workers: int | None = None, limits: SandboxLimits
    ) -> None:
        if self.missing:
            raise FastscoreError("there is no strong sandbox here; allow the weak one")
        self.level, self.workers, self.limits = level, workers, limits
        self.description = f"a {level} fake"
        self.programs: list[Program] = []
        self.closed = False
        type(self).opened.append(self)

    def run(self, programs: Sequence[Program]) -> Iterator[tuple[int, Execution]]:
        for index in reversed(range(len(programs))):
            if self.stop_after is not None and len(self.programs) >= self.stop_after:
                raise KeyboardInterrupt
            self.programs.append(programs[index])
            yield index, self._judge(programs[index].source)

    def _judge(self, source: str) -> Execution:
        if "right" in source:
            return Execution("passed", cpu_seconds=2.9 if "slow" in source else 0.1)
        if "slow" in source:
            return Execution("timed out", cpu_seconds=3.0)
        return Execution("failed", "AssertionError", "it is wrong")

    def __enter__(self) -> FakeSandbox:
        return self

    def __exit__(self, *_: Any) -> None:
        self.closed = True


def install(monkeypatch: pytest.MonkeyPatch) -> type[FakeSandbox]:
    """Put a fake in the place of the sandbox; what was opened is its own."""

    class Fresh(FakeSandbox):
        opened: list[FakeSandbox] = []  # noqa: RUF012

    monkeypatch.setattr(fastscore.sandbox, "Sandbox", Fresh)
    return Fresh
