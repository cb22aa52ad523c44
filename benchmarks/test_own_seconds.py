"""The CPU time of a server is that of all processes of its session, and of no other."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.workloads.own_seconds import session_cpu_seconds


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_processes_of_a_session_are_counted_with_their_children() -> None:
    child = "import time\nwhile time.process_time() < 0.3: pass"
    parent = (
        "import subprocess, sys, time\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)\n"
        f"{child}\n"
        "print('done', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        seconds = session_cpu_seconds(process.pid)
        process.communicate()
    assert seconds is not None
    assert 0.55 < seconds < 2
    assert session_cpu_seconds(process.pid) == 0
