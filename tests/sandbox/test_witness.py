"""A suite whose traps do not work would prove nothing: here each is stepped into on purpose."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.witness import Witness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _call(family: socket.AddressFamily, address: object) -> None:
    with socket.socket(family) as connection:
        connection.connect(address)


def _datagram(traps: dict[str, str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", int(traps["UDP_PORT"])))


TRAPS: dict[str, Callable[[dict[str, str]], object]] = {
    "canary.txt": lambda traps: Path(traps["CANARY"]).unlink(),
    "secrets": lambda traps: Path(traps["OUTSIDE"], "ours").write_text("owned"),
    "home": lambda traps: Path(traps["HOME"], "new").touch(),
    "(TCP socket)": lambda traps: _call(socket.AF_INET, ("127.0.0.1", int(traps["PORT"]))),
    "(abstract socket)": lambda traps: _call(socket.AF_UNIX, f"\0{traps['MARK']}"),
    "(file socket)": lambda traps: _call(socket.AF_UNIX, f"{traps['HOME']}/socket"),
    "datagram": _datagram,
    "decoy process was": lambda traps: os.kill(int(traps["DECOY"]), signal.SIGSTOP),
}


def test_sees_nothing_where_nothing_happens(tmp_path: Path) -> None:
    with Witness(tmp_path) as witness:
        assert witness.effects() == []
        assert witness.left_behind() == []


@pytest.mark.parametrize("what", TRAPS)
def test_sees_what_happens(tmp_path: Path, what: str) -> None:
    with Witness(tmp_path) as witness:
        TRAPS[what](witness.traps())
        seen: list[str] = []
        deadline = time.monotonic() + 10  # a signal takes its time on a busy machine
        while not any(what in effect for effect in seen) and time.monotonic() < deadline:
            seen += witness.effects()
        assert any(what in effect for effect in seen)


def test_sees_files_that_stay(tmp_path: Path) -> None:
    with Witness(tmp_path) as witness:
        (witness.temporary / "left").touch()
        mine = Path("/dev/shm", witness.mark)
        mine.touch()
        try:
            assert len(witness.left_behind()) == 2
        finally:
            mine.unlink()


def test_sees_daemons(tmp_path: Path) -> None:
    """One that has left its session, and whose parent is gone."""
    daemon = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(600)"
    with Witness(tmp_path) as witness:
        subprocess.run([sys.executable, "-S", "-c", daemon], check=True)
        (left,) = witness.left_behind(patience=0.2)
        pid = int(left.split()[1])
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert witness.left_behind() == []
