"""The strong level: how programs end, what they can see and use, and what is left afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastscore.errors import SandboxError
from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits
from fastscore.sandbox.strong import explain

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the strong level is Linux's")

LIMITS = SandboxLimits(cpu_seconds=0.5, wall_seconds=10.0, memory_mb=256, file_mb=2, processes=8)
TEST = "assert answer() == 42"
RIGHT = "def answer(): return 42"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=LIMITS) as sandbox:
        yield sandbox


def judge(sandbox: Sandbox, source: str, test: str = TEST, **parts: str) -> Execution:
    program = Program(textwrap.dedent(source), textwrap.dedent(test), "answer", **parts)
    [(_, execution)] = sandbox.run([program])
    return execution


def see(sandbox: Sandbox, expression: str) -> str:
    """What a program finds, by way of the message of its failure."""
    execution = judge(sandbox, f"import os, sys\nraise LookupError(repr({expression}))")
    assert execution.error == "LookupError", execution
    return execution.message


def _error_of_a_null_byte() -> str:
    """Some versions of Python call it a SyntaxError, some a ValueError."""
    try:
        compile("\0", "", "exec")
    except (SyntaxError, ValueError) as error:
        return type(error).__name__
    raise AssertionError


@pytest.mark.parametrize(
    ("source", "outcome", "error"),
    [
        (RIGHT, "passed", ""),
        ("def answer(): return 41", "failed", "AssertionError"),
        ("def answer(:", "failed", "SyntaxError"),
        ("def other(): pass", "failed", "NameError"),
        ("raise KeyError('k')", "failed", "KeyError"),
        ("import numpy", "failed", "ModuleNotFoundError"),
        ("raise SystemExit(0)", "failed", "SystemExit"),
        ("import os; os._exit(0)", "failed", ""),
        ("while True: pass", "timed out", ""),
        ("import time; time.sleep(60)", "timed out", ""),
        ("x = [0] * 10**9", "out of memory", "MemoryError"),
        ("import os; os.abort()", "crashed", ""),
        ("import os; os.fork()", "refused", "PermissionError"),
        ("\0", "failed", _error_of_a_null_byte()),
        ("# \ud800", "failed", "UnicodeEncodeError"),
    ],
)
def test_outcomes(sandbox: Sandbox, source: str, outcome: str, error: str) -> None:
    execution = judge(sandbox, source)
    assert (execution.outcome, execution.error) == (outcome, error), execution


def test_message_and_result_are_human_evals(sandbox: Sandbox) -> None:
    execution = judge(sandbox, "def answer(): raise ValueError('too\\nbad')")
    assert execution.result == "failed: too\nbad"
    assert execution.detail == "ValueError: too\\nbad"


def test_a_long_message_is_cut(sandbox: Sandbox) -> None:
    execution = judge(sandbox, "raise ValueError('é' * 10**6)")
    assert 50 < len(execution.message) < 1000
    assert set(execution.message) == {"é"}


def test_a_message_that_never_comes(sandbox: Sandbox) -> None:
    source = """
    class Slow(Exception):
        def __str__(self):
            while True: pass
    raise Slow
    """
    assert judge(sandbox, source).outcome == "timed out"


def test_cpu_time_is_what_counts(sandbox: Sandbox) -> None:
    source = "import time; time.sleep(1)\n" + RIGHT
    execution = judge(sandbox, source)
    assert execution.passed
    assert execution.wall_seconds >= 1 > 0.4 > execution.cpu_seconds
    assert not execution.near_limit


def test_near_the_limit(sandbox: Sandbox) -> None:
    source = "import time\nwhile time.process_time() < 0.45: pass\n" + RIGHT
    execution = judge(sandbox, source)
    assert execution.passed
    assert execution.near_limit
    assert 0.4 < execution.cpu_seconds < 0.5


def test_threads_count_together(sandbox: Sandbox) -> None:
    source = """
    import hashlib, threading
    def work():
        while True: hashlib.sha256(bytes(10**6))
    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads: one.start()
    for one in threads: one.join()
    """
    execution = judge(sandbox, source)
    assert execution.outcome == "timed out"
    assert execution.wall_seconds < LIMITS.deadline


def test_sees_no_files_but_the_standard_library(sandbox: Sandbox) -> None:
    assert see(sandbox, "(os.getcwd(), os.listdir('.'), os.listdir('/dev'))") == (
        "('/tmp', [], ['urandom', 'zero', 'null'])"
        if see(sandbox, "os.listdir('/dev')").startswith("['u")
        else "('/tmp', [], ['null', 'zero', 'urandom'])"
    )
    for path in ("/proc", "/etc", "/home", "/var", "/sys", str(Path(__file__).parents[2])):
        assert see(sandbox, f"os.path.exists({path!r})") == "False"
    assert see(sandbox, "os.path.exists(os.__file__)") == "True"
    walk = "[p for p, d, f in os.walk('/') if 'site-packages' in p and (d or f)]"
    assert see(sandbox, walk) == "[]"


def test_cannot_write_but_to_its_directory(sandbox: Sandbox) -> None:
    for path in ("/new", "os.__file__", "/dev/new", "/dev/null/new"):
        target = path if path.startswith("os") else repr(path)
        execution = judge(sandbox, f"import os\nopen({target}, 'a')")
        assert execution.error in ("OSError", "PermissionError", "NotADirectoryError"), path


def test_the_directory_is_small_and_its_own(sandbox: Sandbox) -> None:
    assert judge(sandbox, "open('left', 'w').write('x')\n" + RIGHT).passed
    assert see(sandbox, "os.listdir('.')") == "[]"
    large = "open('large', 'wb').write(bytes(3 << 20))"
    assert judge(sandbox, large).error == "OSError"
    many = "for i in range(9): open(str(i), 'wb').write(bytes(1 << 20))"
    assert judge(sandbox, many).message.startswith("[Errno 28]")
    assert judge(sandbox, "for i in range(2000): open(str(i), 'w')").error == "OSError"
    assert judge(sandbox, RIGHT).passed


def test_has_no_environment_and_no_company(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    with Sandbox(workers=1, limits=LIMITS) as sandbox:
        assert see(sandbox, "dict(os.environ)") == "{}"
        assert see(sandbox, "(os.getpid(), os.getppid(), sys.argv)") == "(1, 0, [''])"
        found = see(sandbox, "[m for m in sys.modules if 'fastscore' in m or 'sandbox' in m]")
        assert found == "[]"
        user = int(see(sandbox, "os.getuid()"))
    assert user == (65534 if os.getuid() == 0 else os.getuid())


def test_has_no_rights(sandbox: Sandbox) -> None:
    for call in ("os.setuid(0)", "os.chroot('/tmp')", "os.nice(-5)", "os.sethostname('x')"):
        if call.startswith("os.seth"):
            call = "__import__('socket').sethostname('x')"
        assert judge(sandbox, f"import os\n{call}").error == "PermissionError", call


def test_limits_of_descriptors_and_threads(sandbox: Sandbox) -> None:
    assert judge(sandbox, "kept = [open('/dev/null') for _ in range(100)]").error == "OSError"
    source = """
    import threading, time
    for _ in range(50): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
    """
    assert judge(sandbox, source).error == "RuntimeError"
    assert judge(sandbox, RIGHT).passed


def test_every_process_starts_alike(sandbox: Sandbox) -> None:
    source = "import string; string.mark = getattr(string, 'mark', 0) + 1\n"
    test = "import string\nassert not hasattr(string, 'mark')\nassert answer() == 1"
    for _ in range(2):
        assert judge(sandbox, source + "def answer(): return string.mark", test).passed


def test_verdicts_repeat(sandbox: Sandbox) -> None:
    names = see(sandbox, "list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})")
    assert see(sandbox, "list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})") == names
    test = "import random\nassert [random.randint(0, 10**9) for _ in '12'] == [answer()] * 2"
    message = "raise LookupError"
    first = judge(sandbox, f"def answer(): {message}", test)
    assert first.error == "LookupError"


def test_all_indices_come_once() -> None:
    sources = [RIGHT, "while True: pass", "import os; os.abort()", "def answer(): return 0"]
    expected = ["passed", "timed out", "crashed", "failed"]
    programs = [Program(sources[i % 4], TEST, "answer") for i in range(24)]
    with Sandbox(workers=3, limits=LIMITS) as sandbox:
        found = dict(sandbox.run(programs))
    assert [found[i].outcome for i in range(24)] == expected * 6


def _processes() -> set[int]:
    """Processes below this one, of any depth."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    below = {os.getpid()}
    while len(grown := below | {one for one, parent in parents.items() if parent in below}) > len(
        below
    ):
        below = grown
    return below - {os.getpid()}


def test_nothing_is_left_behind() -> None:
    before = _processes()
    with Sandbox(workers=2, limits=LIMITS) as sandbox:
        assert len(list(sandbox.run([Program(RIGHT, TEST, "answer")] * 4))) == 4
        assert _processes() > before
    assert _processes() <= before


def test_leaving_early_ends_what_runs() -> None:
    before = _processes()
    slow = SandboxLimits(cpu_seconds=60)
    with Sandbox(workers=2, limits=slow) as sandbox:
        programs = [Program(RIGHT, TEST, "answer"), *[Program("while True: pass", TEST)] * 3]
        for index, _ in sandbox.run(programs):
            assert index == 0
            break
        # The pool is as good as new.
        assert [one.passed for _, one in sandbox.run(programs[:1])] == [True]
    assert _processes() <= before


def test_ctrl_c_ends_what_runs() -> None:
    before = _processes()
    with Sandbox(workers=2, limits=SandboxLimits(cpu_seconds=60)) as sandbox:
        timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(sandbox.run([Program("while True: pass", TEST)] * 4))
        timer.join()
        assert time.monotonic() - started < 20
    assert _processes() <= before


def test_workers_end_with_their_caller() -> None:
    code = """
    import os, signal
    from fastscore.sandbox import Program, Sandbox, SandboxLimits
    sandbox = Sandbox(workers=1, limits=SandboxLimits(cpu_seconds=60))
    print(sandbox._idle[0]._process.pid, flush=True)
    import threading
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGKILL)).start()
    list(sandbox.run([Program("while True: pass", "")]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL
    worker = Path("/proc") / done.stdout.strip()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            state = (worker / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":  # ended; whoever inherited it has not looked yet
            return
        time.sleep(0.05)
    pytest.fail("the worker is still there")


def test_a_worker_that_dies_is_replaced() -> None:
    with Sandbox(workers=1, limits=SandboxLimits(cpu_seconds=60)) as sandbox:
        worker = sandbox._idle[0]
        threading.Timer(1.0, worker._process.kill).start()  # type: ignore[attr-defined]
        programs = [Program("while True: pass", TEST), Program(RIGHT, TEST, "answer")]
        found = dict(sandbox.run(programs))
    assert found[0].outcome == "crashed"
    assert "the worker died" in found[0].message
    assert found[1].passed


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs the command unshare")
def test_says_what_is_missing() -> None:
    code = "from fastscore.sandbox import Sandbox; Sandbox()"
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    done = subprocess.run(
        ["unshare", "-Ur", "sh", "-c", forbid, "sh", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "SandboxError: the strong sandbox cannot be had here: unshare" in done.stderr
    assert "sysctl user.max_user_namespaces" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_works_for_users() -> None:
    code = """
    from fastscore.sandbox import Program, Sandbox
    test = "import os\\nassert os.getuid() == answer() == 12345"
    with Sandbox(workers=1) as sandbox:
        [(_, execution)] = sandbox.run([Program("def answer(): return 12345", test, "answer")])
    print(execution.outcome, execution.detail)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, user=12345, group=12345, extra_groups=()
        )
    except PermissionError:
        pytest.skip("this interpreter lies where only root can reach it")
    assert done.stdout.split() == ["passed"], done.stderr


def test_every_refusal_of_the_kernel_says_what_to_do() -> None:
    for number, word in ((38, "Linux 5.14"), (28, "max_user_namespaces"), (1, "Docker")):
        text = explain(number, "unshare: reason")
        assert "unshare: reason" in text
        assert word in text
    with pytest.raises(SandboxError, match="cannot start"):
        raise SandboxError("cannot start")
