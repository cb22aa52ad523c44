from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from fastscore import machine
from fastscore.errors import UsageError


def test_this_machine() -> None:
    here = machine.describe()
    assert here.cpu
    assert 1 <= here.n_cores <= (os.cpu_count() or 1)
    assert here.memory_bytes is None or here.memory_bytes > 10**8
    assert here.to_dict()["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.skipif(sys.platform not in ("linux", "darwin", "win32"), reason="nobody says there")
def test_memory_in_plausible_bounds() -> None:
    total, available = machine.describe().memory_bytes, machine.available_memory()
    assert total is not None
    assert available is not None
    assert 0 < available <= total
    before = machine.peak_memory()
    assert before is not None
    block = bytearray(before + 50_000_000)  # more than ever before, and touched
    assert (machine.peak_memory() or 0) >= len(block)


def test_the_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FASTSCORE_CACHE", str(tmp_path / "mine"))
    assert machine.cache_directory() == tmp_path / "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="the XDG rules are Linux's")
def test_the_cache_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FASTSCORE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert machine.cache_directory() == tmp_path / "fastscore"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/paths/do/not/count")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert machine.cache_directory() == tmp_path / "home" / ".cache" / "fastscore"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows finds a home in other ways")
def test_homes_that_nobody_has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert machine.home_expanded("~/a/~b") == tmp_path / "a" / "~b"
    assert machine.home_expanded("~nobody-of-that-name/a") == Path("~nobody-of-that-name/a")
    for name in ("FASTSCORE_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # a container's user without a name
    with pytest.raises(UsageError, match=r"no home directory .* set FASTSCORE_CACHE"):
        machine.cache_directory()


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's control groups")
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"memory.max": "max", "memory.current": "5"}, None),
        ({}, None),
        ({"memory.max": "1000", "memory.current": "400"}, 600),
        ({"memory.max": "100", "memory.current": "400"}, 0),
        (
            {
                "memory.max": "1000",
                "memory.current": "400",
                "memory.stat": "anon 100\nactive_file 200\ninactive_file 50\n",
            },
            850,
        ),
    ],
    ids=["unlimited", "none", "limited", "over", "cached-files"],
)
def test_a_containers_limit_counts(
    files: dict[str, str], expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: str) -> str | None:
        folder, name = os.path.split(path)
        return files.get(name) if folder == "/sys/fs/cgroup" else None

    monkeypatch.setattr(machine, "_read", read)
    assert machine._cgroup_headroom() == expected
