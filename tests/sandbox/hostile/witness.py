"""The traps that a hostile program would have to step into, and whether one did."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

PUBLIC = (Path("/"), Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path("/run"), Path.home())
"""Where a program would leave files if it could, beside the traps."""

PR_SET_CHILD_SUBREAPER = 36


class Witness:
    """A home with a secret in it, servers, a process to be killed, and a look at what is left.

    To be used as a context manager around the sandbox, with ``HOME``, ``TMPDIR`` and
    ``FASTSCORE_CANARY`` set from it before the sandbox starts. ``effects()`` names what has
    happened outside so far; ``left_behind()``, after the sandbox is closed, what outlived it.
    """

    def __init__(self, root: Path) -> None:
        self.mark = f"mark{uuid4().hex[:12]}"
        self.secret = f"secret{uuid4().hex}"
        self.home = root / "home"
        self.outside = root / "outside"
        self.temporary = root / "temporary"
        for path in (self.home, self.outside, self.temporary):
            path.mkdir()
            path.chmod(0o777)  # what the sandbox does not hide would be open to anybody
        self.canary = self.home / "canary.txt"
        for path in (self.canary, self.outside / "ours"):
            path.write_text(self.secret, encoding="utf-8")
            path.chmod(0o666)

    def __enter__(self) -> Witness:
        # What leaves its parent comes to this process, so that nothing can hide from it.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._servers = [
            self._listening(socket.AF_INET, ("127.0.0.1", 0)),
            self._listening(socket.AF_UNIX, f"\0{self.mark}"),
            self._listening(socket.AF_UNIX, str(self.home / "socket")),
        ]
        (self.home / "socket").chmod(0o777)
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._udp.setblocking(False)
        code = f"import time; time.sleep(3600)  # {self.mark}"
        self._decoy = subprocess.Popen([sys.executable, "-S", "-c", code])
        self._before = self._state()
        self._known: set[int] = set()
        self._known = set(self._descendants())
        return self

    def __exit__(self, *_: object) -> None:
        for server in (*self._servers, self._udp):
            server.close()
        self._decoy.kill()
        self._decoy.wait()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)

    def traps(self) -> dict[str, str]:
        """What stands for the names between @ in a hostile program."""
        return {
            "MARK": self.mark,
            "SECRET": self.secret,
            "HOME": str(self.home),
            "OUTSIDE": str(self.outside),
            "CANARY": str(self.canary),
            "PORT": str(self._servers[0].getsockname()[1]),
            "UDP_PORT": str(self._udp.getsockname()[1]),
            "PARENT": str(os.getpid()),
            "DECOY": str(self._decoy.pid),
            "DECOY_NAME": self.mark,
        }

    def effects(self) -> list[str]:
        """What a program has done to the world outside."""
        found = []
        if self._decoy.poll() is not None or _state_of(self._decoy.pid) in "TtZ":
            found.append("the decoy process was killed or stopped")
        for server, name in zip(self._servers, ("TCP", "abstract", "file"), strict=True):
            try:
                server.accept()[0].close()
                found.append(f"the server ({name} socket) was called")
            except BlockingIOError:
                pass
        try:
            self._udp.recv(1)
            found.append("the server got a datagram")
        except BlockingIOError:
            pass
        after = self._state()
        found += [
            f"{what}: {self._before[what]} became {after[what]}"
            for what in after
            if after[what] != self._before[what]
        ]
        return found

    def left_behind(self, patience: float = 5.0) -> list[str]:
        """What is still there of the sandbox: processes, and files of its own or of programs."""
        deadline = time.monotonic() + patience
        while (processes := self._descendants()) and time.monotonic() < deadline:
            time.sleep(0.05)
        found = [f"process {pid} {name!r}" for pid, name in processes.items()]
        found += [f"file {path}" for path in self.temporary.iterdir()]
        found += [f"file {path}" for place in PUBLIC for path in _entries(place, self.mark)]
        return found

    def _state(self) -> dict[str, object]:
        """All that should be the same afterwards."""
        files = {}
        for path in (self.home, self.canary, self.outside, self.outside / "ours"):
            there = path.stat() if path.exists() else None
            files[str(path)] = there and (
                there.st_ino,
                there.st_mode,
                there.st_uid,
                there.st_size,
                there.st_mtime_ns,
            )
        return {
            **files,
            "secrets": [
                path.read_text(encoding="utf-8") if path.exists() else None
                for path in (self.canary, self.outside / "ours")
            ],
            "mounts": Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
            "limits of the decoy": Path(f"/proc/{self._decoy.pid}/limits").read_text("utf-8"),
            "shared memory": [
                len(Path("/proc/sysvipc", kind).read_text(encoding="utf-8").splitlines())
                for kind in ("shm", "sem", "msg")
            ],
        }

    def _listening(self, family: socket.AddressFamily, address: object) -> socket.socket:
        server = socket.socket(family)
        server.bind(address)  # type: ignore[arg-type]
        server.listen()
        server.setblocking(False)
        return server

    def _descendants(self) -> dict[int, str]:
        """All processes below this one, zombies included, that have come since the beginning."""
        parents = {}
        names = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    name, rest = (entry / "stat").read_text("utf-8", "replace").rsplit(")", 1)
                except OSError:
                    continue
                parents[int(entry.name)] = int(rest.split()[1])
                names[int(entry.name)] = name.split("(", 1)[1] + rest[:2]
        below = {os.getpid()}
        while more := {pid for pid, parent in parents.items() if parent in below} - below:
            below |= more
        mine = {os.getpid(), self._decoy.pid} | self._known
        return {pid: names[pid] for pid in below - mine}


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def _entries(place: Path, mark: str) -> list[Path]:
    try:
        return [path for path in place.iterdir() if mark in path.name]
    except OSError:
        return []
