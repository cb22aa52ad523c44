"""One fresh interpreter for one program: started ahead of time, given its request, heard out."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("judge.py")
READY = b"+"
"""What the script says once it waits for a request."""

GRACE_SECONDS = 2
"""Of CPU time beyond the limit, after which the system ends a process that nobody has ended."""

START_SECONDS = 60.0
"""Within which an interpreter has to start, on however busy a machine."""

LAST_SECONDS = 2.0
"""To hear what was written before all writers ended."""

ANSWER_BYTES = 1 << 17
"""More than any judge answers."""


class Interpreter:
    """A process in a session and a directory of its own.

    ``ended`` is set when the process has; ``status`` is then its exit status, negative for a
    signal.
    """

    def __init__(self, directory: Path, limits: dict[str, Any]) -> None:
        directory.mkdir(mode=0o700)
        self.directory = directory
        self.ended = threading.Event()
        self.status: int | None = None
        self._request: bytes | None = None
        self._may_begin = threading.Event()
        self._is_ready = threading.Event()
        self._heard = bytearray()
        bounds = (
            math.ceil(limits["cpu_seconds"]) + GRACE_SECONDS,
            limits["memory_mb"] << 20,
            limits["file_mb"] << 20,
            limits["open_files"],
        )
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-s", "-S", "-B", "-X", "utf8", str(SCRIPT)),
                *(_native_module(), "once", *map(str, bounds)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=_environment(),
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._talk = threading.Thread(target=self._converse, daemon=True)
        self._talk.start()
        threading.Thread(target=self._wait, daemon=True).start()

    def wait_until_ready(self) -> bool:
        """Whether the interpreter has started; False when it has ended instead.

        TimeoutError when it does neither.
        """
        if not self._is_ready.wait(START_SECONDS):
            raise TimeoutError(f"an interpreter does not start within {START_SECONDS:g} s")
        return bytes(self._heard) == READY

    def give(self, request: bytes) -> None:
        """Let the judge begin."""
        self._request = request
        self._may_begin.set()

    def finish(self) -> bytes:
        """What was heard after the start, once the process and all its descendants are ended."""
        self.ended.wait(LAST_SECONDS)
        self._may_begin.set()
        self._talk.join(LAST_SECONDS)
        return bytes(self._heard).removeprefix(READY)

    def _converse(self) -> None:
        hear, say = self._process.stdout, self._process.stdin
        assert hear is not None
        assert say is not None
        self._heard += os.read(hear.fileno(), 1)
        if bytes(self._heard) == READY:
            self._is_ready.set()
            self._may_begin.wait()
            with contextlib.suppress(OSError):
                if self._request is not None:
                    say.write(self._request)
                say.close()
        while len(self._heard) < ANSWER_BYTES and (more := os.read(hear.fileno(), ANSWER_BYTES)):
            self._heard += more
        self._is_ready.set()
        hear.close()

    def _wait(self) -> None:
        self.status = self._process.wait()
        self.ended.set()


def _native_module() -> str:
    """The extension module that judges."""
    spec = find_spec("fastscore._sandbox")
    assert spec is not None
    assert spec.origin is not None
    return spec.origin


def _environment() -> dict[str, str]:
    """A fixed order of sets; on Windows, also what no process starts without."""
    wanted = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR") if sys.platform == "win32" else ()
    found = {name: os.environ[name] for name in wanted if name in os.environ}
    return {"PYTHONHASHSEED": "0", **found}
