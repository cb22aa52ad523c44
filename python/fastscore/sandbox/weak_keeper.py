"""The keeper of the weak level: starts interpreters ahead of time, watches programs, ends them.

A process of its own, because on Linux it adopts what its descendants leave behind, which the
process that asks for verdicts must not. It ends, with all programs, when its standard input does.

What it reads is one request a frame; what it writes, one frame for each and one at the start, is
JSON: ``answer`` (of the judge, in hexadecimal), ``outcome`` and ``message`` where there is no valid
answer, ``cpu_seconds``, ``cpu_seconds_before`` (of the interpreter's own start, which the judge
counts and the other does not), ``wall_seconds``; or ``error``.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from fastscore.sandbox.weak_frames import read_frame, write_frame
from fastscore.sandbox.weak_interpreter import Interpreter
from fastscore.sandbox.weak_processes import Descendants, Usage, adopt_orphans, cpu_seconds_of
from fastscore.sandbox.weak_trees import MANY, remove_tree, tree_size

FIRST_LOOK = 0.02
"""Seconds from the start of a program to the first look at its processes; most have ended then."""

NEXT_LOOKS = 0.05
MIB = 1 << 20


class StartError(Exception):
    """An interpreter did not start; the message says why."""


class Keeper:
    """Judges one program after the other, below one directory."""

    def __init__(self, directory: Path, limits: dict[str, Any]) -> None:
        self._directory = directory
        self._limits = limits
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._descendants = Descendants()
        self._n_started = 0
        self._spare: Interpreter | None = None

    def run(self) -> None:
        """Answer requests until there are no more."""
        try:
            self._spare = self._ready()
            _say({})
            threading.Thread(target=self._read, daemon=True).start()
            while (request := self._requests.get()) is not None:
                _say(self._judge(request))
        except (StartError, TimeoutError) as error:
            _say({"error": str(error)})
        finally:
            self._descendants.kill()
            remove_tree(self._directory)

    def _read(self) -> None:
        while (request := read_frame(sys.stdin.buffer)) is not None:
            self._requests.put(request)
        self._closing.set()
        self._requests.put(None)

    def _judge(self, request: bytes) -> dict[str, Any]:
        """Run one program to its end, or to that of its limits or of this process."""
        program = self._ready()
        before = cpu_seconds_of(program.pid)
        started = time.monotonic()
        program.give(request)
        self._spare = self._start()
        outcome = message = ""
        usage = Usage()
        look = FIRST_LOOK
        while not program.ended.wait(look):
            look = NEXT_LOOKS
            usage = self._descendants.usage(self._spare.pid)
            usage.cpu_seconds -= before
            outcome, message = self._exceeded(usage, time.monotonic() - started, program)
            if outcome or self._closing.is_set():
                break
        wall_seconds = time.monotonic() - started
        self._descendants.kill(self._spare.pid)
        answer = self._clear(program)
        if not outcome:
            outcome, message = _farewell(program.status)
        return {
            "answer": answer.hex(),
            "outcome": outcome,
            "message": message,
            "cpu_seconds": usage.cpu_seconds,
            "cpu_seconds_before": before,
            "wall_seconds": wall_seconds,
        }

    def _exceeded(self, usage: Usage, wall_seconds: float, program: Interpreter) -> tuple[str, str]:
        """The outcome and why, where a program has used more than it may; two empty texts else."""
        limits = self._limits
        if usage.cpu_seconds > limits["cpu_seconds"] or wall_seconds > limits["deadline"]:
            return "timed out", ""
        if usage.memory_bytes > limits["memory_mb"] * MIB:
            return "out of memory", f"more than {limits['memory_mb']} MB"
        if usage.n_processes > limits["processes"]:
            return "refused", f"more than {limits['processes']} processes"
        size, count = tree_size(program.directory)
        if size > limits["file_mb"] * MIB:
            return "refused", f"more than {limits['file_mb']} MB of files"
        if count >= MANY:
            return "refused", f"{MANY} files or more"
        return "", ""

    def _start(self) -> Interpreter:
        self._n_started += 1
        interpreter = Interpreter(self._directory / str(self._n_started), self._limits)
        self._descendants.children.add(interpreter.pid)
        return interpreter

    def _ready(self) -> Interpreter:
        """The interpreter started last, or another where a program has ended that one."""
        for _ in range(3):
            interpreter = self._spare or self._start()
            self._spare = None
            if interpreter.wait_until_ready():
                return interpreter
            self._descendants.kill()
            said = self._clear(interpreter)
        raise StartError(said.decode("utf-8", "replace") or "interpreters end before they begin")

    def _clear(self, interpreter: Interpreter) -> bytes:
        """What an interpreter said, once its processes have ended; its files are deleted."""
        said = interpreter.finish()
        self._descendants.children.discard(interpreter.pid)
        remove_tree(interpreter.directory)
        return said


def _farewell(status: int | None) -> tuple[str, str]:
    """How a program without a verdict has left."""
    if status is not None and status < 0:
        name = signal.Signals(-status).name if -status in signal.valid_signals() else str(-status)
        if name == "SIGXCPU":
            return "timed out", ""
        return "crashed", f"ended by {name}"
    if status is not None and status >= 0xC0000000:  # Windows: an exception nobody handled
        return "crashed", f"ended by exception {status:#x}"
    return "failed", f"left before its tests ended, with status {status}"


def _say(answer: dict[str, Any]) -> None:
    write_frame(sys.stdout.buffer, json.dumps(answer).encode())


def main() -> None:
    """Keep the programs of one worker; arguments: directory, limits as JSON."""
    adopt_orphans()
    Keeper(Path(sys.argv[1]), json.loads(sys.argv[2])).run()
    sys.stdout.flush()
    os._exit(0)  # threads may still wait for a pipe
