"""What else happened on the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fastscore.profiling import FirstToken, Speed, Workload
from fastscore.profiling.disturbances import Counters, compare, load_before, read_counters, spread

QUIET = Counters(time=0.0, own=0.0, busy=0.0, stolen=0.0, throttled=0.0, heat_events=0)


def _said(n_threads: int, n_cpus: int, **ended: float) -> list[str]:
    # Ten seconds on which the model's threads are busy all along.
    own = 10.0 * n_threads
    busy = own + 10.0 * ended.pop("others", 0.0)
    after = replace(QUIET, time=10.0, own=own, busy=busy, **ended)
    return list(compare(QUIET, after, n_threads, n_cpus))


def test_a_quiet_machine() -> None:
    assert _said(2, 2) == []
    assert _said(2, 2, others=0.05) == []


@pytest.mark.parametrize(
    ("n_threads", "n_cpus", "others", "disturbed"),
    [
        (2, 2, 0.2, True),  # they share cores
        (4, 8, 0.5, False),  # there are cores to spare
        (4, 8, 2.5, True),  # memory is shared all the same
        (1, 2, 1.05, True),
    ],
)
def test_other_programs(n_threads: int, n_cpus: int, others: float, disturbed: bool) -> None:
    said = _said(n_threads, n_cpus, others=others)
    assert bool(said) == disturbed
    if disturbed:
        assert said[0].startswith(f"Other programs used {others:.1f} of {n_cpus} cores")


def test_a_moment_says_nothing_and_nobody_uses_more_than_there_is() -> None:
    moment = replace(QUIET, time=0.02, own=0.01, busy=0.07)
    assert list(compare(QUIET, moment, 1, 2)) == []
    assert "used 2.0 of 2 cores" in _said(1, 2, others=2.5)[0]


def test_hosts_limits_and_heat() -> None:
    assert "took 10% of its processor time" in _said(2, 2, stolen=2.0)[0]
    assert "(30% of the time)" in _said(2, 2, throttled=3.0)[0]
    assert "overheating" in _said(2, 2, heat_events=1)[0]


def test_what_is_not_told_is_not_said() -> None:
    unknown = Counters(0.0, 0.0, None, None, None, None)
    assert list(compare(unknown, replace(unknown, time=10.0, own=5.0), 2, 2)) == []


def test_linuxs_files(tmp_path: Path) -> None:
    files = {
        "proc/stat": "cpu  100 20 30 4000 500 6 7 80 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n",
        "sys/fs/cgroup/cpu.stat": "usage_usec 5\nthrottled_usec 2500000\n",
        "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
        "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read_counters(tmp_path)
    assert found.busy == pytest.approx(1.63)  # user, nice, system, irq, softirq; in 1/100 s
    assert found.stolen == pytest.approx(0.8)
    assert found.throttled == pytest.approx(2.5)
    assert found.heat_events == 7


def test_a_system_without_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_counters(tmp_path)
    assert (found.busy, found.stolen, found.throttled, found.heat_events) == (None,) * 4
    monkeypatch.setattr("os.getloadavg", lambda: (9.0, 1.0, 1.0), raising=False)
    assert list(load_before(1, tmp_path)) == ["The machine was busy before (load average 9.0)"]
    monkeypatch.setattr("os.getloadavg", lambda: (0.1, 9.0, 9.0), raising=False)
    assert list(load_before(1, tmp_path)) == []


def test_repetitions_that_differ() -> None:
    steady = Speed(Workload(512, 0), (100.0, 101.0, 102.0))
    rough = Speed(Workload(0, 128), (20.0, 30.0))
    once = Speed(Workload(0, 64), (20.0,))
    assert list(spread([steady, once], FirstToken(512, (1.0, 1.01)))) == []
    (said,) = spread([steady, rough, once], FirstToken(512, (1.0, 2.0)))
    assert "tg128 28%, first token 47%" in said
