"""llama.cpp's quantiser, run in a process of its own.

A failed assertion ends the process that it is in, the call cannot be interrupted, and a large model
may run out of memory: none of these is to take the caller down.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fastscore.errors import QuantizeError
from fastscore.machine import available_memory
from fastscore.model.own_process import command

_MOST_BUFFER, _LEAST_BUFFER = 512 << 20, 16 << 20


@dataclass(frozen=True)
class Job:
    """What to quantise: ``type`` is llama.cpp's number of a file type.

    ``pure`` gives every matrix that type, where llama.cpp would mix several. ``facts`` are texts to
    write into the metadata, of at most 127 bytes.
    """

    source: Path
    target: Path
    type: int
    n_threads: int
    pure: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)

    def run(self, progress: Callable[[int, int], object] | None = None) -> None:
        """Write ``target``; ``progress`` is called with tensors done and in all.

        Raises QuantizeError with llama.cpp's reason. What was written until then stays there.
        """
        _converse(self, dry_run=False, progress=progress)

    def expected_bytes(self) -> int:
        """Bytes of all tensors as they would be written, found without writing them."""
        return _converse(self, dry_run=True, progress=None)


def _converse(job: Job, *, dry_run: bool, progress: Callable[[int, int], object] | None) -> int:
    request = asdict(job) | {
        "source": os.fspath(job.source),
        "target": os.fspath(job.target),
        "dry_run": dry_run,
        "buffer_bytes": _buffer_bytes(),
    }
    n_bytes, answer = 0, None
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [*command("fastscore.model.quantise_worker"), json.dumps(request)],
            env=os.environ | {"GGML_NO_BACKTRACE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                facts: dict[str, Any] = json.loads(line)
                if "error" in facts:
                    answer = facts
                elif "bytes" in facts:
                    n_bytes = facts["bytes"]
                elif progress is not None:
                    progress(facts["done"], facts["total"])
            process.wait()
        except BaseException:
            process.kill()
            raise
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-3:]
    if answer is None:
        raise QuantizeError(
            f"llama.cpp {_end(process.returncode)} while it quantised {job.source.name}: "
            f"{' '.join(last) or 'it said nothing'}"
        )
    if answer["error"] is not None:
        # All that a C++ stream says of a full disk.
        full = " (is the disk full?)" if "iostream error" in answer["error"] else ""
        raise QuantizeError(f"llama.cpp cannot quantise {job.source.name}: {answer['error']}{full}")
    return n_bytes


def _buffer_bytes() -> int:
    """Memory for the rows under work: llama.cpp's own limit of 8 GiB is not for small machines."""
    available = available_memory()
    return _MOST_BUFFER if available is None else _within(available // 4)


def _within(n_bytes: int) -> int:
    return max(_LEAST_BUFFER, min(_MOST_BUFFER, n_bytes))


def _end(code: int) -> str:
    if code == -getattr(signal, "SIGKILL", 9):
        return "was killed (out of memory?)"
    return f"ended the process with exit status {code}" if code >= 0 else "ended the process"
