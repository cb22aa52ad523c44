"""The weak level: limits and verdicts without any help of the system but processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile.case import Hostile, parameters
from hostile.suite import SUITE
from hostile.trial import Report, hold
from hostile.witness import Witness

from fastscore.errors import SandboxError
from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits
from fastscore.sandbox.weak_trees import MANY, remove_tree, tree_size

LIMITS = SandboxLimits(cpu_seconds=1.0, wall_seconds=8.0)
STOPPED = [case for case in SUITE if not case.unstopped]
CASES = parameters(STOPPED, "weak")
ONE = "assert one() == 1"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("weak", workers=1, limits=LIMITS) as sandbox:
        yield sandbox


def _judge(sandbox: Sandbox, source: str, test: str = ONE) -> Execution:
    ((_, execution),) = sandbox.run([Program(source, test, "one")])
    return execution


def test_judges(sandbox: Sandbox) -> None:
    assert _judge(sandbox, "def one(): return 1").outcome == "passed"
    wrong = _judge(sandbox, "def one(): return 2")
    assert (wrong.outcome, wrong.error) == ("failed", "AssertionError")


def test_says_what_it_is(sandbox: Sandbox) -> None:
    assert sandbox.level == "weak"
    assert sandbox.description.startswith("weak: ")


def test_says_how_a_program_left(sandbox: Sandbox) -> None:
    assert _judge(sandbox, "import os\nos._exit(7)").detail.endswith("with status 7")
    if sys.platform != "win32":
        aborted = _judge(sandbox, "import os\nos.abort()")
        assert (aborted.outcome, aborted.message) == ("crashed", "ended by SIGABRT")


def test_programs_share_nothing(sandbox: Sandbox) -> None:
    _judge(sandbox, "import math\nmath.pi = 3\nopen('left', 'w').close()")
    source = "import math, os\ndef one(): return 1 if math.pi > 3 and os.listdir() == [] else 0"
    assert _judge(sandbox, source).outcome == "passed"


def test_the_environment_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTSCORE_CANARY", "1")
    with Sandbox("weak", workers=1) as sandbox:
        found = _judge(sandbox, "import os\nraise ValueError(len(os.environ))")
    assert found.detail == "ValueError: 0"


def test_output_goes_nowhere(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    _judge(sandbox, "import sys\nprint('out')\nprint('error', file=sys.stderr)")
    assert capfd.readouterr() == ("", "")


def test_cpu_time_counts_not_the_clock(sandbox: Sandbox) -> None:
    slept = _judge(sandbox, "import time\ntime.sleep(1.5)\ndef one(): return 1")
    assert slept.outcome == "passed"
    assert slept.cpu_seconds < 1 < slept.wall_seconds


def test_close_ends_what_runs() -> None:
    with Sandbox("weak", workers=1) as sandbox:
        running = sandbox.run(
            [Program("def one(): return 1", ONE), Program("while True: pass", "")]
        )
        assert next(running)[1].outcome == "passed"
        started = time.monotonic()
        running.close()
        assert time.monotonic() - started < 5


def test_nothing_stays_when_the_caller_is_killed(tmp_path: Path) -> None:
    """Its programs end with it, and their files are gone."""
    code = """
import sys
from fastscore.sandbox import Program, Sandbox
sandbox = Sandbox("weak", workers=1)
print("ready", flush=True)
for _ in sandbox.run([Program("open('x', 'w')\\nwhile True: pass", "")]): pass
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "TEMP": str(tmp_path)}
    caller = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert caller.stdout is not None
    assert caller.stdout.readline().strip() == b"ready"
    time.sleep(0.3)
    caller.kill()
    caller.wait()
    caller.stdout.close()
    deadline = time.monotonic() + 10
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_keeper_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastscore.sandbox.weak.START", "raise SystemExit('no such luck')")
    with pytest.raises(SandboxError, match="no such luck"):
        Sandbox("weak")


WATCHED = """
import os, sys, time
from fastscore.sandbox.weak_processes import Descendants, adopt_orphans
adopt_orphans()
descendants = Descendants()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: pass
    os._exit(0)
while (usage := descendants.usage()).cpu_seconds < 0.3: time.sleep(0.02)
assert usage.n_processes >= 1 and usage.memory_bytes > 1 << 20, usage
descendants.kill()
usage = descendants.usage()
assert usage.n_processes == 0 and usage.cpu_seconds == 0, usage
for _ in range(3):
    if os.fork() == 0:
        while time.process_time() < 0.2: pass
        os._exit(0)
while (usage := descendants.usage()).n_processes: time.sleep(0.02)
assert usage.cpu_seconds > 0.5, usage
print("seen")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives orphans to an ancestor")
def test_daemons_and_the_dead_are_counted() -> None:
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"seen\n", b"")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    if sys.platform != "linux":
        pytest.skip("the traps are made for Linux")
    with Witness(tmp_path_factory.mktemp("witness")) as witness:
        yield hold(STOPPED, "weak", LIMITS, witness, workers=8)


@pytest.mark.parametrize(("case", "number"), CASES)
def test_hostile_programs_end_as_they_may(report: Report, case: Hostile, number: int) -> None:
    execution = report.executions[case.name, number]
    assert execution.outcome in case.accept, execution


def test_hostile_programs_do_nothing_else(report: Report) -> None:
    assert report.effects == []
    assert report.left_behind == []
    assert [found for found in report.neighbours if found.judged != found.expected] == []
    assert len(report.neighbours) == len(CASES)


def test_most_of_the_suite_is_stopped() -> None:
    assert len(STOPPED) > 100


def test_trees_of_any_depth_are_removed(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    here = Path.cwd()
    os.chdir(top)
    try:
        for _ in range(500):
            os.mkdir("deep")  # noqa: PTH102
            os.chdir("deep")
        Path("file").touch()
    finally:
        os.chdir(here)
    remove_tree(top)
    assert not top.exists()


def test_trees_that_resist_are_removed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    top = tmp_path / "top"
    (top / "closed" / "closed").mkdir(parents=True)
    (top / "closed" / "file").touch()
    (top / "closed").chmod(0)
    (top / "link").symlink_to(outside)
    top.chmod(0)
    remove_tree(top)
    assert not top.exists()
    top.symlink_to(outside)
    remove_tree(top)
    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
    assert (outside / "kept").exists()


def test_tree_size(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(bytes(1000))
    (tmp_path / "link").symlink_to(tempfile.gettempdir())
    size, count = tree_size(tmp_path)
    assert 1000 <= size < 2000
    assert count == 3 < MANY
