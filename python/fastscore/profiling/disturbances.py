"""What else happened on the machine while it was measured: other programs, limits, heat.

A speed measured beside other work is true and says little, so the profile says what it saw.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastscore.machine import available_cores
from fastscore.profiling.values import FirstToken, Speed

SPREAD = 0.05
"""Standard deviation over mean from which on repetitions are said to differ."""

_ROOT = Path("/")
_BUSY = 0.1  # cores of others from which on they are in the way
_BUSY_SHARE = 0.25  # of all cores: then memory and turbo are shared, even with cores to spare
_STOLEN = 0.02  # share of the time
# The kernel counts in hundredths of a second: over less than this their rounding is all one sees.
_SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Counters:
    """Seconds since the machine was started, or None where it does not say."""

    time: float
    own: float
    busy: float | None
    stolen: float | None
    throttled: float | None
    heat_events: int | None


class Disturbances:
    """Counts from its making to `sentences`, both in the measuring process."""

    def __init__(self, n_threads: int, root: Path = _ROOT) -> None:
        self._n_threads = n_threads
        self._root = root
        self._began = read_counters(root)

    def sentences(self) -> Iterator[str]:
        """Say what was in the way."""
        yield from compare(self._began, read_counters(self._root), self._n_threads, _n_cpus())


def compare(began: Counters, ended: Counters, n_threads: int, n_cpus: int) -> Iterator[str]:
    """Say what happened between two counts on a machine of ``n_cpus``."""
    seconds = max(ended.time - began.time, 1e-9)
    if seconds < _SHORTEST_SECONDS:
        return
    if began.busy is not None and ended.busy is not None:
        others = (ended.busy - began.busy - (ended.own - began.own)) / seconds
        others = min(others, n_cpus)
        spare = max(0, n_cpus - n_threads)
        if others > spare + _BUSY or others > _BUSY_SHARE * n_cpus:
            yield (
                f"Other programs used {others:.1f} of {n_cpus} cores meanwhile: the model is "
                "faster on a quiet machine"
            )
    if began.stolen is not None and ended.stolen is not None:
        share = (ended.stolen - began.stolen) / seconds / n_cpus
        if share > _STOLEN:
            yield (
                f"The host of this virtual machine took {share:.0%} of its processor time for "
                "others"
            )
    if began.throttled is not None and ended.throttled is not None:
        share = (ended.throttled - began.throttled) / seconds
        if share > _STOLEN:
            yield (
                "The processor limit of the container held the model back "
                f"({share:.0%} of the time); give it fewer threads"
            )
    if (
        None not in (began.heat_events, ended.heat_events)
        and ended.heat_events != began.heat_events
    ):
        yield "The processor was slowed down against overheating"


def spread(speeds: Iterable[Speed], first_token: FirstToken | None) -> Iterator[str]:
    """Name the tests whose repetitions differ much."""
    wide = [
        f"{speed.name} {speed.stdev / speed.tokens_per_second:.0%}"
        for speed in speeds
        if speed.stdev > SPREAD * speed.tokens_per_second
    ]
    if first_token is not None and first_token.stdev > SPREAD * first_token.seconds:
        wide.append(f"first token {first_token.stdev / first_token.seconds:.0%}")
    if wide:
        yield (
            f"Repetitions differ by more than {SPREAD:.0%} (standard deviation: "
            f"{', '.join(wide)}): take these figures as rough"
        )


def load_before(n_threads: int, root: Path = _ROOT) -> Iterator[str]:
    """Say that the machine was busy already, where nothing better than its load is known."""
    if hasattr(os, "getloadavg") and not (root / "proc/stat").exists():
        load = os.getloadavg()[0]
        if load > max(0, available_cores() - n_threads) + 0.5:
            yield f"The machine was busy before (load average {load:.1f})"


def read_counters(root: Path) -> Counters:
    """Read what there is below ``root``, which is ``/`` outside of tests."""
    own = os.times()
    stat = re.search(r"^cpu +(.+)$", _read(root / "proc/stat"), re.MULTILINE)
    busy = stolen = None
    if stat and hasattr(os, "sysconf"):
        ticks = [int(n) / os.sysconf("SC_CLK_TCK") for n in stat[1].split()]
        # user, nice, system, idle, iowait, irq, softirq, steal
        busy = sum(ticks[:3]) + sum(ticks[5:7])
        stolen = ticks[7] if len(ticks) > 7 else None
    throttled = re.search(r"^throttled_usec (\d+)$", _read(root / "sys/fs/cgroup/cpu.stat"), re.M)
    cpus = root / "sys/devices/system/cpu"
    heat = [
        _read(file).strip() for file in cpus.glob("cpu[0-9]*/thermal_throttle/core_throttle_count")
    ]
    return Counters(
        time=time.monotonic(),
        own=own.user + own.system,
        busy=busy,
        stolen=stolen,
        throttled=int(throttled[1]) / 1e6 if throttled else None,
        heat_events=sum(int(n) for n in heat if n.isdigit()) if heat else None,
    )


def _n_cpus() -> int:
    """Processors that ``/proc/stat`` counts the time of: all of them."""
    return os.cpu_count() or 1


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
