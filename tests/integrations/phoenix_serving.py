"""Phoenix's own server for tests, and a browser that looks at its pages."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

STARTING_SECONDS = 300.0  # twenty on a free core: its import alone takes that long
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def phoenix_server(folder: Path) -> Iterator[str]:
    """``phoenix serve`` with SQLite in ``folder``; yields its address."""
    try:
        version("arize-phoenix")
    except PackageNotFoundError:
        pytest.skip("Phoenix's server is not installed")
    address = f"http://127.0.0.1:{(port := free_port())}"
    own = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(free_port()),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
    }
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "phoenix.server.main", "serve"],
            env={**os.environ, **own},
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
                time.sleep(0.5)
            yield address
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def browser_page(**options: Any) -> Iterator[Any]:
    """A page of the Chromium that is there, which reaches this machine alone."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("FASTSCORE_BROWSER") or next(
        filter(None, map(shutil.which, _BROWSERS)), None
    )
    if path is None:
        pytest.skip("there is no Chromium; set FASTSCORE_BROWSER to one")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = opened.new_page(**options)
        page.route("**/*", _only_loopback)
        yield page
        opened.close()


def _only_loopback(route: Any) -> None:
    if route.request.url.startswith("http://127.0.0.1:"):
        route.continue_()
    else:
        route.abort()
