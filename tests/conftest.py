"""What all tests share: tiny models, published rows, and a world without network or user."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.fixtures import broken_model, family, tiny_model

__all__ = ["broken_model", "family", "tiny_model"]

# For the processes that tests start, and before huggingface_hub reads it at its import.
os.environ["HF_HUB_OFFLINE"] = "1"

# Before Typer is imported, which would colour what commands print, on GitHub always.
for _variable in ("GITHUB_ACTIONS", "FORCE_COLOR", "PY_COLORS"):
    os.environ.pop(_variable, None)

# A shell starts its background jobs deaf to Ctrl-C, and the processes of tests would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(os.environ.get("FASTSCORE_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Published benchmark files, where there are any."""
    if not (DATA / "arc").is_dir():
        pytest.skip(f"no benchmark files in {DATA}; set FASTSCORE_DATA")
    return DATA


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The file of the demo model, where its package is installed."""
    from fastscore.errors import ModelError
    from fastscore.model.locate import locate

    try:
        return locate("demo").path
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", autouse=True)
def sessions_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what fixtures of many tests compute out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FASTSCORE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find what another one, or the user, has stored."""
    monkeypatch.setenv("FASTSCORE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let single questions be taken together however slowly a busy machine lets them come."""
    monkeypatch.setattr("fastscore.assistant.gatherer._QUIET", 0.3)
    monkeypatch.setattr("fastscore.assistant.gatherer._LONGEST_WAIT", 30.0)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail any connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            assert address[0] in ("127.0.0.1", "::1"), f"a test reached for {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
