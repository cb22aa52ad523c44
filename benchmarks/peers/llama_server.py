"""The road that lm-eval has today for GGUF files: llama-cpp-python's server, over HTTP."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.comparison import tolerance
from fastscore.integrations.lm_eval import FastscoreLM

_STARTING = 120.0
"""Seconds that loading a model may take."""
# Of a choice's value: the server keeps keys and values in F16, fastscore in F32 for such weights.
_CACHE_ROUNDING = 0.1


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and what it says."""

    address: str
    process: subprocess.Popen[bytes]
    log: Path

    def state(self) -> str:
        """Whether it still runs, and the end of its log where it does not."""
        status = self.process.poll()
        if status is None:
            return "the server still runs"
        said = self.log.read_text(errors="replace").strip()[-1500:]
        return f"the server ended by itself with status {status}\nIts last words:\n{said}"


class Repeats(logging.Handler):
    """Notes what lm-eval's ``gguf`` model says when it waits and asks again: no time of the server.

    A context: within it, errors of that model are kept in ``said``.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []
        self._logger = logging.getLogger("lm_eval.models.gguf")

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())

    def __enter__(self) -> Repeats:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)


@contextmanager
def llama_server(gguf: Path, n_threads: int, n_ctx: int, log: Path) -> Iterator[Server]:
    """Serve a model on loopback as long as the context lasts.

    What the server says goes to the file ``log``.
    ``logits_all`` is what lm-eval's ``gguf`` model needs: log-probabilities of the whole prompt.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        *(sys.executable, "-m", "llama_cpp.server", "--model", str(gguf)),
        *("--host", "127.0.0.1", "--port", str(port), "--logits_all", "true"),
        *("--n_ctx", str(n_ctx), "--verbose", "false"),
        *("--n_threads", str(n_threads), "--n_threads_batch", str(n_threads)),
    ]
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Server) -> None:
    until = time.monotonic() + _STARTING
    while time.monotonic() < until and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/v1/models", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(
        f"{server.state()}\nIt did not start; what it needs: pip install 'llama-cpp-python[server]'"
    )


def likelihoods_by_the_servers_rule(
    lm: FastscoreLM, items: Sequence[Mapping[str, Any]]
) -> list[list[float]]:
    """What the server answers for each choice, computed by fastscore's engine. [n_items][n_choices]

    They are no log-likelihoods. llama-cpp-python 0.3.36 puts beside each token of an echoed prompt
    the log-probability that it has after itself, out of the row of logits that follows it
    (abetlen/llama-cpp-python#1983). And the token it was asked to write has no row, so that
    lm-eval's ``gguf`` model, which drops the last entry as that token's, drops the last token of
    the continuation.
    """
    requests: list[tuple[None, list[int], list[int]]] = []
    lengths = []
    for item in items:
        for pair in zip(item["contexts"], item["continuations"], strict=True):
            context, continuation = lm._encode_pair(*pair)
            ids = context + continuation
            counted = range(len(context), len(ids) - 1)
            requests += [(None, ids[: i + 1], [ids[i]]) for i in counted]
            lengths.append(len(counted))
    found = iter(lm._loglikelihood_tokens(requests, disable_tqdm=True))
    sums = iter([sum(next(found)[0] for _ in range(n)) for n in lengths])
    return [[next(sums) for _ in item["continuations"]] for item in items]


def same_value(expected: float, found: float) -> bool:
    """Whether two sums of log-probabilities are the same but for what a cache in F16 rounds."""
    return abs(expected - found) <= _CACHE_ROUNDING + tolerance(expected)
