"""Measures a model, in a process of its own: ``-m fastscore.profiling.worker``.

Takes a request as one line of JSON and answers with lines of JSON, an event each: ``plan``,
``progress``, and at last ``result`` or ``error``. The parent may end this process at any time, and
llama.cpp may do so as well.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastscore.errors import FastscoreError
from fastscore.profiling.planning import Request
from fastscore.profiling.session import Session
from fastscore.profiling.workload import Workload


def main() -> None:
    """Answer one request."""
    # Ctrl-C reaches all processes of a terminal; it is for the parent, who ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    request = json.loads(sys.stdin.readline())
    # What libraries print must not end up between the events.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def emit(kind: str, **values: Any) -> None:
        events.write(json.dumps({"event": kind, **values}, allow_nan=False) + "\n")
        events.flush()

    try:
        with Session(
            Path(request["path"]),
            n_gpu_layers=request["n_gpu_layers"],
            n_threads=request["n_threads"],
            flash_attention=request["flash_attention"],
            emit=emit,
        ) as session:
            emit("result", **session.measure(read_request(request)))
    except FastscoreError as error:
        emit("error", name=type(error).__name__, message=str(error))


def write_request(request: Request) -> dict[str, Any]:
    """Return what `read_request` reads."""

    def tests(workloads: tuple[Workload, ...]) -> list[list[int]]:
        return [
            [w.n_prompt, w.n_gen, w.n_depth, w.n_batch, w.n_ubatch, w.n_parallel] for w in workloads
        ]

    return {
        "tests": tests(request.tests),
        "extra": tests(request.extra),
        "sizes_chosen": request.sizes_chosen,
        "repetitions": request.repetitions,
        "seconds": request.seconds,
        "first_token": request.first_token,
    }


def read_request(values: Mapping[str, Any]) -> Request:
    """Read what was asked for."""
    return Request(
        tests=tuple(Workload(*numbers) for numbers in values["tests"]),
        extra=tuple(Workload(*numbers) for numbers in values["extra"]),
        sizes_chosen=values["sizes_chosen"],
        repetitions=values["repetitions"],
        seconds=values["seconds"],
        first_token=values["first_token"],
    )


if __name__ == "__main__":
    main()
