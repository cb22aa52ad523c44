"""What this computer is: processor, cores, memory, system, and where fastscore may keep files.

Results carry this description, the estimate before a run compares with its memory, and speeds are
remembered per machine. Everything is read from the operating system itself; what cannot be found
out is ``None``, never a guess.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastscore.errors import UsageError

CACHE_VARIABLE = "FASTSCORE_CACHE"


@dataclass(frozen=True, slots=True)
class Machine:
    """The computer a result was made on. ``memory_bytes`` is the memory built in."""

    cpu: str
    n_cores: int
    memory_bytes: int | None
    system: str
    architecture: str
    python: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``results.json``."""
        return asdict(self)


@lru_cache(maxsize=1)
def describe() -> Machine:
    """Describe the computer this process runs on."""
    return Machine(
        cpu=_cpu_name(),
        n_cores=available_cores(),
        memory_bytes=_total_memory(),
        system=f"{platform.system()} {platform.release()}",
        architecture=platform.machine(),
        python=platform.python_version(),
    )


def available_cores() -> int:
    """Cores this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory() -> int | None:
    """Bytes that can be allocated now without swapping, or ``None`` where nobody says.

    Inside a container the limit of its control group counts when it is the smaller one.
    """
    if sys.platform == "linux":
        free = _meminfo("MemAvailable")
        limit = _cgroup_headroom()
        return min((n for n in (free, limit) if n is not None), default=None)
    if sys.platform == "darwin":
        return _darwin_available()
    if sys.platform == "win32":
        status = _windows_memory()
        return None if status is None else status[1]
    return None


def peak_memory() -> int | None:
    """Return the largest resident set of this process so far, in bytes."""
    if sys.platform == "win32":
        return _windows_peak()
    # Linux's getrusage also counts the parent that this process was forked from.
    own = re.search(r"^VmHWM:\s*(\d+) kB$", _read("/proc/self/status") or "", re.MULTILINE)
    if own:
        return int(own[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts in KiB


def home_expanded(path: str | os.PathLike[str]) -> Path:
    """Return a path with a leading ``~`` or ``~user`` replaced by that home directory.

    A home that nobody has stays as it was written, as in a shell.
    """
    try:
        return Path(os.path.expanduser(path))  # noqa: PTH111  pathlib's raises: nobody's home
    except ValueError:  # no name of a user: a zero byte, half of a UTF-16 pair
        return Path(path)


def cache_directory() -> Path:
    """Return the directory for files that save time and can be deleted at will.

    ``FASTSCORE_CACHE`` when set, else the platform's place for caches. Raises UsageError where that
    is in the user's home, and there is none.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return home_expanded(chosen)
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else _home() / "AppData" / "Local") / "fastscore" / "cache"
    if sys.platform == "darwin":
        return _home() / "Library" / "Caches" / "fastscore"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is invalid and to be ignored.
    return (Path(xdg) if xdg.startswith("/") else _home() / ".cache") / "fastscore"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # a container's user without a name, and no HOME
        raise UsageError(
            f"there is no home directory to keep a cache in; set {CACHE_VARIABLE} to a directory"
        ) from error


def _cpu_name() -> str:
    if sys.platform == "linux":
        text = _read("/proc/cpuinfo") or ""
        # x86 says "model name"; ARM boards say what they are in "Model" or the device tree.
        for key in ("model name", "Model", "Hardware"):
            if found := re.search(rf"^{key}\s*:\s*(.+)$", text, re.MULTILINE):
                return found[1].strip()
        if board := _read("/proc/device-tree/model"):
            return board.strip("\0\n ")
    if sys.platform == "darwin" and (name := _sysctl("machdep.cpu.brand_string")):
        return name
    return platform.processor() or platform.machine() or "unknown"


def _total_memory() -> int | None:
    if sys.platform == "linux":
        return _meminfo("MemTotal")
    if sys.platform == "darwin":
        size = _sysctl("hw.memsize")
        return int(size) if size else None
    if sys.platform == "win32":
        status = _windows_memory()
        return None if status is None else status[0]
    return None


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _meminfo(key: str) -> int | None:
    found = re.search(rf"^{key}:\s*(\d+) kB$", _read("/proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def _cgroup_headroom() -> int | None:
    """Bytes left below the memory limit of the control group (version 2, then version 1)."""
    v2, v1 = "/sys/fs/cgroup", "/sys/fs/cgroup/memory"
    for limit_file, used_file, stat_file in (
        (f"{v2}/memory.max", f"{v2}/memory.current", f"{v2}/memory.stat"),
        (f"{v1}/memory.limit_in_bytes", f"{v1}/memory.usage_in_bytes", f"{v1}/memory.stat"),
    ):
        limit, used = (_read(limit_file) or "").strip(), (_read(used_file) or "").strip()
        if limit.isdigit() and used.isdigit():
            # Cached file pages count as used, but the kernel gives them up when asked for memory.
            stat = re.findall(r"^(?:in)?active_file (\d+)$", _read(stat_file) or "", re.MULTILINE)
            return max(int(limit) - int(used) + sum(map(int, stat)), 0)
    return None


def _sysctl(name: str) -> str | None:
    try:
        done = subprocess.run(
            ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _darwin_available() -> int | None:
    try:
        done = subprocess.run(
            ["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    page = re.search(r"page size of (\d+) bytes", done.stdout)
    counts = {
        name: int(count)
        for name, count in re.findall(r"^Pages ([a-z ]+):\s+(\d+)\.$", done.stdout, re.MULTILINE)
    }
    if page is None or "free" not in counts:
        return None
    # Inactive and purgeable pages are given back when asked for, like the page cache on Linux.
    kinds = ("free", "inactive", "speculative", "purgeable")
    return int(page[1]) * sum(counts.get(kind, 0) for kind in kinds)


class _MemoryStatus(ctypes.Structure):
    """``MEMORYSTATUSEX`` of the Windows API."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load_percent", ctypes.c_uint32),
        ("total_physical", ctypes.c_uint64),
        ("available_physical", ctypes.c_uint64),
        ("total_page_file", ctypes.c_uint64),
        ("available_page_file", ctypes.c_uint64),
        ("total_virtual", ctypes.c_uint64),
        ("available_virtual", ctypes.c_uint64),
        ("available_extended", ctypes.c_uint64),
    )


class _ProcessMemory(ctypes.Structure):
    """``PROCESS_MEMORY_COUNTERS`` of the Windows API."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("page_faults", ctypes.c_uint32),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("quota", ctypes.c_size_t * 4),
        ("page_file", ctypes.c_size_t),
        ("peak_page_file", ctypes.c_size_t),
    )


def _windows_memory() -> tuple[int, int] | None:
    """Bytes of memory built in, and bytes available now."""
    if sys.platform == "win32":
        status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
        if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return int(status.total_physical), int(status.available_physical)
    return None


def _windows_peak() -> int | None:
    if sys.platform == "win32":
        counters = _ProcessMemory(size=ctypes.sizeof(_ProcessMemory))
        kernel32 = ctypes.windll.kernel32
        kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        kernel32.K32GetProcessMemoryInfo.argtypes = (
            ctypes.c_void_p,
            ctypes.POINTER(_ProcessMemory),
            ctypes.c_uint32,
        )
        if kernel32.K32GetProcessMemoryInfo(
            kernel32.GetCurrentProcess(), ctypes.byref(counters), counters.size
        ):
            return int(counters.peak_working_set)
    return None
