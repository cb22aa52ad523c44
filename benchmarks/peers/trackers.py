"""What runs are told to: MLflow's tracking server with SQLite, and a taker of OTLP spans."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_STARTING = 240.0
"""Seconds that the server may take to come up; it takes ten on a free core."""


@dataclass(frozen=True)
class TrackingServer:
    """Where a server answers, and the number of the session that its processes are in."""

    address: str
    session: int


@contextmanager
def mlflow_server(folder: Path) -> Iterator[TrackingServer]:
    """``mlflow server`` on loopback, in a session of its own.

    Raises RuntimeError where it does not come up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    log = folder / "mlflow.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            command,
            env={**os.environ, **quiet},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + _STARTING
            while not _answers(f"{address}/health"):
                if server.poll() is not None or time.monotonic() > deadline:
                    words = log.read_text(errors="replace")[-1000:]
                    raise RuntimeError(f"the MLflow server did not come up: {words}")
                time.sleep(0.2)
            yield TrackingServer(address, server.pid)
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


class SpanTaker:
    """An OTLP endpoint that takes all and keeps nothing but counts."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.n_bytes = 0


@contextmanager
def span_taker() -> Iterator[SpanTaker]:
    """Take spans by OTLP over HTTP, on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            taker.n_bytes += len(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taker = SpanTaker(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield taker
        server.shutdown()
        thread.join()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
