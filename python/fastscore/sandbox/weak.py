"""The weak level: a fresh interpreter for each program, with limits, on every platform.

A program runs as the user: it can read the user's files, reach the network and signal the user's
processes. What it cannot do is forge its verdict by the means that the judge rules out, see the
environment, use more than its limits, or outlive its verdict. So it is used on request only.

Between this process and the programs stands a *keeper*, a process that starts interpreters ahead of
time, watches and ends them (``weak_keeper``); whatever a program leaves behind falls to it.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from fastscore.errors import SandboxError
from fastscore.sandbox.execution import Execution
from fastscore.sandbox.limits import SandboxLimits
from fastscore.sandbox.request import NONCE_BYTES, Request, read_verdict
from fastscore.sandbox.weak_frames import read_frame, write_frame
from fastscore.sandbox.weak_trees import remove_tree
from fastscore.sandbox.worker import WorkerDiedError

DESCRIPTION = (
    "weak: a process of its own with limits, but the user's files, network and processes in reach"
)
ROOT = Path(__file__).parents[2]
"""Where the package lies: an isolated interpreter looks nowhere else for it."""

START = "import sys; sys.path.insert(0, {root!r}); from {module} import main; main()"
PATIENCE = 10.0
"""Seconds for a keeper to end its programs once it is told to."""


def interpreter(module: str) -> list[str]:
    """The command of a fresh interpreter that calls ``main`` of a module of this package."""
    code = START.format(root=str(ROOT), module=f"fastscore.sandbox.{module}")
    return [sys.executable, "-I", "-X", "utf8", "-c", code]


class WeakWorker:
    """A keeper, and the directory below which its programs work."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._limits = limits
        self._directory = Path(tempfile.mkdtemp(prefix="fastscore-weak-"))
        self._closing = threading.Lock()
        self._closed = False
        settings = {**asdict(limits), "deadline": limits.deadline}
        command = [*interpreter("weak_keeper"), str(self._directory), json.dumps(settings)]
        try:
            self._keeper = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            remove_tree(self._directory)
            raise SandboxError(f"{sys.executable} does not start: {error}") from error
        ready = self._ask(None)
        if ready is None or "error" in ready:
            why = ready["error"] if ready else self._last_words()
            self.close()
            raise SandboxError(f"the weak sandbox level does not start: {why}")

    def execute(self, request: Request) -> Execution:
        """Judge one program; WorkerDiedError when the keeper was ended."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        ended = self._ask(request.encode(nonce))
        if ended is None:
            raise WorkerDiedError("the process that watches the program was ended")
        return self._judged(ended, nonce)

    def close(self) -> None:
        """End the keeper and all its programs, and delete their files."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        _pipe(self._keeper.stdin).close()  # which it takes as the sign to end
        try:
            self._keeper.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for stream in (self._keeper.stdout, self._keeper.stderr):
            _pipe(stream).close()
        remove_tree(self._directory)

    def _ask(self, request: bytes | None) -> dict[str, Any] | None:
        """Send a request, if any; what the keeper says next, None when it has ended."""
        try:
            if request is not None:
                write_frame(_pipe(self._keeper.stdin), request)
            answer = read_frame(_pipe(self._keeper.stdout))
        except (OSError, ValueError):  # ValueError: the pipe was closed by ``close``
            return None
        return None if answer is None else json.loads(answer)

    def _judged(self, ended: dict[str, Any], nonce: bytes) -> Execution:
        """The verdict, from what the judge wrote and what the keeper saw."""
        verdict = read_verdict(bytes.fromhex(ended["answer"]), nonce)
        outcome, error, message = ended["outcome"], "", ended["message"]
        cpu_seconds = ended["cpu_seconds"]
        if verdict is not None and outcome != "timed out":
            outcome, error, message = verdict.outcome, verdict.error, verdict.message
            cpu_seconds = max(0.0, verdict.cpu_seconds - ended["cpu_seconds_before"])
        if cpu_seconds > self._limits.cpu_seconds:
            outcome, error, message = "timed out", "", ""
        return Execution(
            outcome,
            error,
            message,
            cpu_seconds=cpu_seconds,
            wall_seconds=ended["wall_seconds"],
            cpu_limit=self._limits.cpu_seconds,
        )

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._keeper.wait(PATIENCE)
        if self._keeper.poll() is None:
            return "its keeper hangs"
        lines = _pipe(self._keeper.stderr).read().decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else f"its keeper exited with {self._keeper.returncode}"


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # asked for as a pipe
    return stream
