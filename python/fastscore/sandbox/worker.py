"""What the pool asks of a worker, whatever keeps its programs in."""

from __future__ import annotations

from typing import Protocol

from fastscore.sandbox.execution import Execution
from fastscore.sandbox.request import Request


class WorkerDiedError(Exception):
    """The worker's process ended while a program ran; the message says how."""


class Worker(Protocol):
    """One slot of the pool: judges one program at a time, from one thread."""

    def execute(self, request: Request) -> Execution:
        """Judge one program; WorkerDiedError when this worker can judge no more."""

    def close(self) -> None:
        """End all processes of this worker; may come from another thread, and more than once."""
