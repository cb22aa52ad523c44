"""The road that lm-eval has today for GGUF files: llama-cpp-python's server, over HTTP."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STARTING = 120.0
"""Seconds that loading a model may take."""


@contextmanager
def llama_server(gguf: Path, n_threads: int, n_ctx: int, log: Path) -> Iterator[str]:
    """Serve a model on loopback as long as the context lasts; gives the server's address.

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
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(server, address)
        yield address
    finally:
        if server.poll() is not None:
            print(f"  the server ended by itself with status {server.returncode}:")
            print(log.read_text(errors="replace")[-1500:])
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + _STARTING
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/v1/models", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the server did not start; pip install 'llama-cpp-python[server]'")
