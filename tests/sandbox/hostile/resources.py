"""Programs that take more than their share: time, memory, processes, disk, output."""

from __future__ import annotations

from hostile.case import ENDED, FAILED, MEMORY, NOT_PASSED, TIMED_OUT, Hostile

RAM = "the weak level limits the memory of a process, not that of several or of files"

TIME = (
    Hostile("endless loop", "burns CPU in Python", "while True: pass", TIMED_OUT),
    Hostile(
        "endless C call",
        "never comes back to the interpreter, so no Python signal handler runs",
        "import itertools\nsum(itertools.repeat(1))",
        TIMED_OUT,
    ),
    Hostile("huge power", "one C call of hours", "len(str(3 ** (7 ** 11)))", TIMED_OUT | MEMORY),
    Hostile(
        "regular expression",
        "exponential backtracking in C",
        "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
        TIMED_OUT,
    ),
    Hostile(
        "loops when called",
        "defines quickly, hangs in the test",
        "def ascending(numbers):\n    while True: pass",
        TIMED_OUT,
    ),
    Hostile(
        "deaf loop",
        "ignores every signal that can be ignored",
        """
import signal
for number in signal.valid_signals():
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True: pass
""",
        TIMED_OUT,
    ),
    Hostile(
        "exits when told to end",
        "takes the signal of a limit for its chance to leave with status 0",
        """
import os, signal
for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
    signal.signal(number, lambda *_: os._exit(0))
while True: pass
""",
        TIMED_OUT,
    ),
    Hostile(
        "blocks signals",
        "masks them all in the kernel",
        """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
while True: pass
""",
        TIMED_OUT,
    ),
    Hostile(
        "raises its limits",
        "asks for endless CPU time, then uses it",
        """
import resource
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (OSError, ValueError):
        pass
while True: pass
""",
        TIMED_OUT,
    ),
    Hostile(
        "burns in children",
        "spreads its CPU time over many short lives",
        """
import os, time
while True:
    try:
        child = os.fork()
    except OSError:
        continue
    if child == 0:
        started = time.monotonic()
        while time.monotonic() - started < 0.05: pass
        os._exit(0)
    os.waitpid(child, 0)
""",
        NOT_PASSED,
    ),
    Hostile("sleeps for ever", "uses no CPU", "import time\ntime.sleep(1e9)", TIMED_OUT),
    Hostile(
        "deadlock",
        "waits for itself",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        TIMED_OUT,
    ),
    Hostile(
        "waits for input",
        "standard input has an end, or nothing",
        "import sys\nsys.stdin.read()\ninput()\nsys.exit(0)",
        FAILED | TIMED_OUT,
    ),
    Hostile(
        "stops itself",
        "a stopped process uses nothing and never ends",
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        NOT_PASSED,
    ),
    Hostile(
        "thread burns on",
        "the main thread waits for one that never ends",
        """
import threading
def burn():
    while True: pass
for _ in range(4):
    threading.Thread(target=burn).start()
""",
        NOT_PASSED,
    ),
)

MEMORY_AND_STACK = (
    Hostile("memory at once", "one absurd allocation", "bytearray(1 << 46)", MEMORY | FAILED),
    Hostile(
        "memory that is touched",
        "each page is written, so overcommitting does not help",
        "whole = bytearray(64 << 30)\nfor page in range(0, 64 << 30, 4096): whole[page] = 1",
        MEMORY | FAILED,
    ),
    Hostile(
        "memory by and by",
        "many small objects",
        "kept = []\nwhile True: kept.append('x' * 10_000 + str(len(kept)))",
        MEMORY | FAILED | TIMED_OUT,
    ),
    Hostile(
        "memory and no regret",
        "catches each MemoryError and asks again",
        """
kept = []
size = 1 << 30
while True:
    try:
        kept.append(bytearray(size))
    except MemoryError:
        size = max(1, size // 2)
""",
        NOT_PASSED,
    ),
    Hostile(
        "memory in children",
        "each child takes nearly as much as one may",
        """
import os, time
for _ in range(64):
    if os.fork() == 0:
        kept = bytearray(200 << 20)
        for page in range(0, len(kept), 4096): kept[page] = 1
        time.sleep(60)
time.sleep(60)
""",
        NOT_PASSED,
        unstopped=RAM,
    ),
    Hostile(
        "memory in nameless files",
        "pages of a memfd are no one's address space",
        """
import os
held = []
while True:
    try:
        descriptor = os.memfd_create("x")
        held.append(descriptor)
        while True: os.write(descriptor, bytes(1 << 20))
    except OSError:
        if len(held) > 4000: raise
""",
        NOT_PASSED,
        unstopped=RAM,
    ),
    Hostile(
        "memory in pipes",
        "buffers of the kernel, not of the process",
        """
import fcntl, os
held = []
while True:
    reader, writer = os.pipe()
    held.append((reader, writer))
    try:
        fcntl.fcntl(writer, 1031, 1 << 20)
    except OSError:
        pass
    os.set_blocking(writer, False)
    try:
        while True: os.write(writer, bytes(1 << 16))
    except BlockingIOError:
        pass
""",
        NOT_PASSED,
    ),
    Hostile(
        "recursion",
        "deeper than Python allows",
        "def deep(n): return deep(n + 1)\ndeep(0)",
    ),
    Hostile(
        "recursion without limit",
        "deeper than the stack is",
        "import sys\nsys.setrecursionlimit(2**31 - 1)\ndef deep(n): return deep(n + 1)\ndeep(0)",
        NOT_PASSED,
    ),
    Hostile(
        "recursion in C",
        "overflows the C stack: the interpreter dies of SIGSEGV",
        """
import sys
sys.setrecursionlimit(2**31 - 1)
class Deep:
    def __repr__(self): return repr([self])
    def __getattr__(self, name): return getattr(Deep(), name)
repr(Deep())
""",
        NOT_PASSED,
    ),
)

PROCESSES_AND_FILES = (
    Hostile("fork bomb", "doubles for ever", "import os\nwhile True: os.fork()", NOT_PASSED),
    Hostile(
        "stubborn fork bomb",
        "goes on where fork fails",
        """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
        NOT_PASSED,
    ),
    Hostile(
        "thread bomb",
        "as many sleeping threads as there can be",
        """
import threading, time
while True: threading.Thread(target=time.sleep, args=(1e6,)).start()
""",
        NOT_PASSED,
    ),
    Hostile(
        "output flood",
        "gigabytes on standard output",
        "import sys\nwhile True: sys.stdout.write('passed' * 100_000)",
        NOT_PASSED,
    ),
    Hostile(
        "raw output flood",
        "gigabytes on both outputs, below Python's buffers",
        "import os\nwhile True:\n    os.write(1, b'x' * 65536)\n    os.write(2, b'x' * 65536)",
        NOT_PASSED,
    ),
    Hostile(
        "disk fill",
        "one file without end",
        "with open('fill@MARK@', 'wb') as file:\n    while True: file.write(bytes(1 << 20))",
        NOT_PASSED,
    ),
    Hostile(
        "disk fill, many files",
        "each of them small enough",
        """
number = 0
while True:
    number += 1
    with open(f'fill@MARK@{number}', 'wb') as file: file.write(bytes(1 << 20))
""",
        NOT_PASSED,
        unstopped="the weak level limits the size of a file, not that of all",
    ),
    Hostile(
        "a million files",
        "inodes are finite, and somebody has to delete them",
        "for number in range(10**6): open(f'@MARK@{number}', 'w').close()\nwhile True: pass",
        NOT_PASSED,
        unstopped="the weak level has no limit on the number of files",
    ),
    Hostile(
        "a deep tree",
        "directories deeper than a path can name, to outlast the clean-up",
        "import os\nwhile True:\n    os.mkdir('@MARK@')\n    os.chdir('@MARK@')",
        NOT_PASSED,
    ),
    Hostile(
        "files that resist",
        "a directory that may not be read or entered, to outlast the clean-up",
        """
import os
os.mkdir('@MARK@')
open('@MARK@/file', 'w').close()
os.chmod('@MARK@', 0)
os.chmod('.', 0)
""",
        ENDED,
    ),
    Hostile(
        "descriptors",
        "opens until nothing is left",
        "held = []\nwhile True: held.append(open('.'.join(['@MARK@']), 'a'))",
        NOT_PASSED,
    ),
)

RESOURCES = (*TIME, *MEMORY_AND_STACK, *PROCESSES_AND_FILES)
