"""MLflow's own tracking server for tests, and a door before it that can be shut."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

STARTING_SECONDS = 240.0  # it takes ten on a free core


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """``mlflow server`` with SQLite and a folder for artifacts; yields its address."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, **quiet},
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + STARTING_SECONDS
            while not _answers(address):
                said = (folder / "server.log").read_text(errors="replace")[-2000:]
                assert server.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Door:
    """Passes connections on to a server until it is shut, as if the server had been killed.

    ``silent`` lets no byte through from then on, without closing anything: a server that hangs.
    """

    def __init__(self, server: str) -> None:
        self._port = int(server.rpartition(":")[2])
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._silent = False
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        # shutdown, since close alone leaves a thread that waits in accept its socket.
        for one in [self._listening, *self._open]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def silence(self) -> None:
        self._silent = True

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inside, _ = self._listening.accept()
                outside = socket.create_connection(("127.0.0.1", self._port))
                self._open += [inside, outside]
                for source, target in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._silent:
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def runs_of(client: Any, experiment: str) -> tuple[Any, dict[str, Any]]:
    """The only parent run of an experiment, and those of its tasks by name."""
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    [parent] = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in found if run is not parent}
    assert {one.data.tags["mlflow.parentRunId"] for one in children.values()} <= {
        parent.info.run_id
    }
    return parent, children


def artifacts_of(client: Any, run: Any, path: str | None = None) -> set[str]:
    found = set()
    for one in client.list_artifacts(run.info.run_id, path):
        found |= artifacts_of(client, run, one.path) if one.is_dir else {one.path}
    return found
