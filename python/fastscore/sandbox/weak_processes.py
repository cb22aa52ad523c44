"""The processes below this one: what they use, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass

import psutil

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
ROUNDS = 1000
"""Of killing whatever is still there: a program that forks all the time takes several."""


@dataclass
class Usage:
    """What some processes use together; memory is what they hold in RAM."""

    cpu_seconds: float = 0.0
    memory_bytes: int = 0
    n_processes: int = 0


def adopt_orphans() -> None:
    """Become the parent of every descendant whose parent ends, where the system can do that.

    Also closes this process's memory and descriptors to other processes of the same user.
    """
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def cpu_seconds_of(pid: int) -> float:
    """CPU time of one process and of the children it has waited for; 0 when it is gone."""
    try:
        return _cpu_seconds(psutil.Process(pid))
    except psutil.Error:
        return 0.0


class Descendants:
    """All processes that came from this one, but one to be spared where it is named.

    Where orphans are not adopted, those are known that were seen before they lost their parent.
    ``children`` are left to those who have started them to be waited for.
    """

    def __init__(self) -> None:
        self.children: set[int] = set()
        self._me = psutil.Process()
        self._seen: dict[int, psutil.Process] = {}
        self._cpu_of_reaped = 0.0

    def usage(self, spare: int | None = None) -> Usage:
        """Since the last ``kill``: of the living, and of the dead whose parents waited for them."""
        living = self._living(spare)
        total = Usage(cpu_seconds=self._cpu_of_reaped)
        for process in living:
            with contextlib.suppress(psutil.Error), process.oneshot():
                total.cpu_seconds += _cpu_seconds(process)
                total.n_processes += 1
                total.memory_bytes += process.memory_info().rss
        return total

    def kill(self, spare: int | None = None) -> None:
        """End them all, and see that they have ended."""
        for _ in range(ROUNDS):
            living = self._living(spare)
            if not living:
                break
            for process in living:
                _kill_group(process.pid)
                with contextlib.suppress(psutil.Error):
                    process.kill()
            time.sleep(0.001)
        self._seen.clear()
        self._cpu_of_reaped = 0.0

    def _living(self, spare: int | None) -> list[psutil.Process]:
        for process in self._me.children(recursive=True):
            self._seen[process.pid] = process
        found = []
        for pid, process in list(self._seen.items()):
            if pid == spare:
                continue
            if not self._is_running(process):
                del self._seen[pid]
                continue
            found.append(process)
        return found

    def _is_running(self, process: psutil.Process) -> bool:
        """False for one that has ended; adopted ones are taken note of and laid to rest."""
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                return True
            cpu_seconds = _cpu_seconds(process)
        except psutil.Error:
            return False
        if process.pid not in self.children:
            with contextlib.suppress(OSError):  # a zombie of somebody else who may still wait
                os.waitpid(process.pid, os.WNOHANG)
                self._cpu_of_reaped += cpu_seconds
        return False


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    # Windows knows no waiting for children that would add their times.
    children = (getattr(times, name, 0.0) for name in ("children_user", "children_system"))
    return float(times.user + times.system + sum(children))


def _kill_group(pid: int) -> None:
    """At once with all that it forks in this moment, if ``pid`` leads a group."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
