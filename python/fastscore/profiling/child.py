"""The measuring process, as its parent sees it: started, listened to, and ended with the parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from fastscore import errors
from fastscore.errors import DecodeError, FastscoreError
from fastscore.model.own_process import command
from fastscore.profiling.watching import Watcher
from fastscore.reporters import Reporter

_COMMAND = command("fastscore.profiling.worker")
_LAST_LINES = 5
_LAST_BYTES = 4096


def measured_by_child(request: Mapping[str, Any], reporter: Reporter) -> dict[str, Any]:
    """What the worker found out.

    Raises the worker's own error, or DecodeError where its process was ended from outside: by an
    assertion of llama.cpp, or by the system for want of memory.
    """
    watcher = Watcher(reporter)
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            text=True,
            encoding="utf-8",
        )
        try:
            result = _listen(child, json.dumps(request), watcher)
            if result is None:
                child.wait()
        finally:
            child.kill()
            child.communicate()
        if result is None:
            raise DecodeError(_ending(child.returncode, watcher.now_at, said))
    return result


def _listen(child: subprocess.Popen[str], request: str, watcher: Watcher) -> dict[str, Any] | None:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(request + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        return None
    for line in child.stdout:
        event = json.loads(line)
        kind = event.pop("event")
        if kind == "plan":
            watcher.plan(**event)
        elif kind == "progress":
            watcher.advance(**event)
        elif kind == "error":
            raise _error(event["name"], event["message"])
        elif kind == "result":
            result: dict[str, Any] = event
            return result
    return None


def _error(name: str, message: str) -> FastscoreError:
    named = getattr(errors, name, FastscoreError)
    error: FastscoreError = named(message)
    return error


def _ending(code: int, at: str, said: IO[bytes]) -> str:
    """Say how the process ended, and what it last wrote."""
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _LAST_BYTES))
    lines = said.read().decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
    last = ":\n" + "\n".join(lines) if lines else ""
    if code < 0:
        try:
            how = f"was ended with {signal.Signals(-code).name}"
        except ValueError:
            how = f"was ended with signal {-code}"
    else:
        how = f"ended with exit status {code}"
    advice = ""
    if code == -getattr(signal, "SIGKILL", 9):
        advice = (
            "; most likely the memory ran out: choose smaller depths, batches or a smaller file"
        )
    return f"the measuring process {how} {at}{advice}{last}"
