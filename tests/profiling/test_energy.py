"""Energy sensors, as Linux shows them in files."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from fastscore.profiling.energy import Rapl, find_meter

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these are Linux's files")


def _zone(root: Path, folder: str, name: str, micro: int, top: int = 10**9) -> Path:
    zone = root / "powercap" / folder
    zone.mkdir(parents=True)
    (zone / "name").write_text(f"{name}\n")
    (zone / "max_energy_range_uj").write_text(f"{top}\n")
    (zone / "energy_uj").write_text(f"{micro}\n")
    return zone / "energy_uj"


def _battery(root: Path, name: str = "BAT0", **files: object) -> Path:
    folder = root / "power_supply" / name
    folder.mkdir(parents=True)
    for file, value in {"type": "Battery", **files}.items():
        (folder / file).write_text(f"{value}\n")
    return folder


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which stands still unless a test moves it on."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_packages_and_memory_are_summed_up(tmp_path: Path, seconds: list[float]) -> None:
    package = _zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    core = _zone(tmp_path, "intel-rapl:0:0", "core", 0)
    dram = _zone(tmp_path, "intel-rapl:0:1", "dram", 1_000_000)
    _zone(tmp_path, "intel-rapl-mmio:0", "package-0", 0)
    _zone(tmp_path, "intel-rapl:1", "psys", 0)
    meter, energy = find_meter(tmp_path)
    assert meter is not None
    assert energy.source == "RAPL: package-0, dram"
    meter.start()
    package.write_text("25000000")
    core.write_text("99000000")
    dram.write_text("2500000")
    seconds[0] += 2
    assert meter.stop() == pytest.approx(21.5)


def test_a_counter_begins_anew(tmp_path: Path, seconds: list[float]) -> None:
    counter = _zone(tmp_path, "intel-rapl:0", "package-0", 900, top=1000)
    meter, _ = find_meter(tmp_path)
    assert meter is not None
    meter.start()
    counter.write_text("50")
    seconds[0] += 1
    assert meter.stop() == pytest.approx(150e-6)


def test_a_span_too_short_for_the_counter_is_not_told(tmp_path: Path, seconds: list[float]) -> None:
    counter = _zone(tmp_path, "intel-rapl:0", "package-0", 0)
    meter, _ = find_meter(tmp_path)
    assert meter is not None
    meter.start()
    counter.write_text("1000")
    seconds[0] += 0.01
    assert meter.stop() is None


def test_a_counter_that_goes_away_ends_nothing(tmp_path: Path, seconds: list[float]) -> None:
    counter = _zone(tmp_path, "intel-rapl:0", "package-0", 0)
    meter, _ = find_meter(tmp_path)
    assert isinstance(meter, Rapl)
    meter.start()
    counter.unlink()
    seconds[0] += 1
    assert meter.stop() is None


def test_a_battery_that_is_drawn_from(tmp_path: Path, seconds: list[float]) -> None:
    battery = _battery(tmp_path, status="Discharging", power_now=10_000_000)
    meter, energy = find_meter(tmp_path)
    assert meter is not None
    assert energy.source == "battery: BAT0, whole machine"
    meter.start()
    (battery / "power_now").write_text("14000000")
    seconds[0] += 3
    assert meter.stop() == pytest.approx(36.0)
    meter.start()
    (battery / "status").write_text("Charging")
    seconds[0] += 3
    assert meter.stop() is None


def test_a_battery_that_tells_current_and_voltage(tmp_path: Path, seconds: list[float]) -> None:
    _battery(tmp_path, status="Discharging", current_now=-1_500_000, voltage_now=12_000_000)
    meter, _ = find_meter(tmp_path)
    assert meter is not None
    meter.start()
    seconds[0] += 2
    assert meter.stop() == pytest.approx(36.0)


def test_the_processor_is_asked_before_a_battery(tmp_path: Path) -> None:
    _zone(tmp_path, "intel-rapl:0", "package-0", 0)
    _battery(tmp_path, status="Discharging", power_now=1)
    assert find_meter(tmp_path)[1].source == "RAPL: package-0"


def test_why_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _battery(tmp_path, status="Full", power_now=0)
    _battery(tmp_path, "AC", type="Mains")
    meter, energy = find_meter(tmp_path)
    assert meter is None
    assert energy.reason == "this machine has no RAPL counters and runs on no battery"
    counter = _zone(tmp_path, "intel-rapl:0", "package-0", 0)
    read_text = Path.read_text

    def refused(self: Path, *args: object, **kwargs: object) -> str:
        if self == counter:  # permissions do not bind root, who may run the tests
            raise PermissionError(13, os.strerror(13), str(self))
        return read_text(self)

    monkeypatch.setattr(Path, "read_text", refused)
    meter, energy = find_meter(tmp_path)
    assert meter is None
    assert energy.reason is not None
    assert f"{counter} is readable by root only" in energy.reason
