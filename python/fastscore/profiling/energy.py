"""What the machine drew, where it says so: RAPL counters of the processor, or a battery.

Linux only: elsewhere the sensors answer to administrators alone (``powermetrics`` on macOS).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fastscore.profiling.values import Energy

_SYS = Path("/sys/class")
# RAPL counts about every millisecond, so that this is known to a percent.
_SHORTEST_SECONDS = 0.1
_MICRO = 1e-6


class Meter(Protocol):
    """Something that knows the energy of a span of time."""

    @property
    def source(self) -> str:
        """Who says so."""

    def start(self) -> None:
        """Begin a span."""

    def stop(self) -> float | None:
        """End it: joules drawn, None where they cannot be told."""


def find_meter(root: Path = _SYS) -> tuple[Meter | None, Energy]:
    """The best meter there is, and what to say of it; ``root`` is sysfs's ``class``."""
    if sys.platform != "linux":
        return None, Energy(None, "on this system only administrators can read energy sensors")
    zones, refused = _rapl_zones(root / "powercap")
    if zones:
        meter: Meter = Rapl(zones)
        return meter, Energy(meter.source)
    batteries = _discharging(root / "power_supply")
    if batteries:
        meter = Battery(batteries)
        return meter, Energy(meter.source)
    if refused:
        return None, Energy(
            None,
            f"{refused} is readable by root only; run as root, or let everyone read it: "
            f"sudo chmod a+r {refused}",
        )
    return None, Energy(None, "this machine has no RAPL counters and runs on no battery")


@dataclass(frozen=True, slots=True)
class Zone:
    """A RAPL counter: microjoules, which begin anew beyond ``range_uj``."""

    name: str
    counter: Path
    range_uj: int

    def read(self) -> int:
        """Microjoules since some time."""
        return int(self.counter.read_text())


class Rapl:
    """Energy of processor packages and the memory beside them, by the kernel's powercap."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self._zones = tuple(zones)
        self._began: tuple[int, ...] = ()
        self._time = 0.0

    @property
    def source(self) -> str:
        """The zones that are summed up."""
        return f"RAPL: {', '.join(zone.name for zone in self._zones)}"

    def start(self) -> None:
        """Begin a span."""
        self._began = self._counts()
        self._time = time.perf_counter()

    def stop(self) -> float | None:
        """Joules since ``start``; None for spans too short for the counters."""
        ended = self._counts()
        if time.perf_counter() - self._time < _SHORTEST_SECONDS or not (ended and self._began):
            return None
        micro = 0
        for zone, began, now in zip(self._zones, self._began, ended, strict=True):
            used = now - began
            micro += used if used >= 0 else used + zone.range_uj
        return micro * _MICRO

    def _counts(self) -> tuple[int, ...]:
        """Of all zones; none where a zone is not readable any more."""
        try:
            return tuple(zone.read() for zone in self._zones)
        except (OSError, ValueError):
            return ()


class Battery:
    """Energy of the whole machine while it runs on batteries: power now, at both ends of a span."""

    def __init__(self, batteries: Sequence[Path]) -> None:
        self._batteries = tuple(batteries)
        self._began: float | None = None
        self._time = 0.0

    @property
    def source(self) -> str:
        """The batteries that are summed up."""
        return f"battery: {', '.join(path.name for path in self._batteries)}, whole machine"

    def start(self) -> None:
        """Begin a span."""
        self._began = self._power()
        self._time = time.perf_counter()

    def stop(self) -> float | None:
        """Joules since ``start``; None where a charger was plugged in meanwhile."""
        seconds = time.perf_counter() - self._time
        ended = self._power()
        if self._began is None or ended is None:
            return None
        return (self._began + ended) / 2 * seconds

    def _power(self) -> float | None:
        powers = [_watts(battery) for battery in self._batteries]
        return None if None in powers else sum(power for power in powers if power is not None)


def _rapl_zones(powercap: Path) -> tuple[list[Zone], Path | None]:
    """Readable counters of packages and their memory, or the one that refused."""
    zones: list[Zone] = []
    # The memory-mapped interface (intel-rapl-mmio) counts the same package once more.
    for folder in sorted(powercap.glob("intel-rapl:*")):
        counter = folder / "energy_uj"
        try:
            name = (folder / "name").read_text().strip()
            if not name.startswith(("package", "dram")):
                continue  # cores are part of their package; psys is of another kind
            zone = Zone(name, counter, int((folder / "max_energy_range_uj").read_text()))
            zone.read()
        except PermissionError:
            return [], counter
        except (OSError, ValueError):
            continue
        zones.append(zone)
    return zones, None


def _discharging(supplies: Path) -> list[Path]:
    return [
        folder
        for folder in sorted(supplies.glob("*"))
        if _text(folder / "type") == "Battery" and _watts(folder) is not None
    ]


def _watts(battery: Path) -> float | None:
    """Power drawn from a battery; None while it is charged or does not say."""
    if _text(battery / "status") != "Discharging":
        return None
    power = _number(battery / "power_now")
    if power is not None:
        return abs(power) * _MICRO
    current, voltage = _number(battery / "current_now"), _number(battery / "voltage_now")
    if current is None or voltage is None:
        return None
    return abs(current) * _MICRO * voltage * _MICRO


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
