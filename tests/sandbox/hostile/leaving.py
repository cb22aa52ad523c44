"""Programs that leave early, or answer in the place of the judge."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, ENDED, NOT_PASSED, TIMED_OUT, Hostile

BOTH = (ASSERTS, CHECK)
ANSWERS = r"""
import json, pickle, struct
WORDS = [b'passed', b'0', b'ok', b'\0', b'\1', b'true', b'passed\n', b'\0' * 8, b'\1' * 64]
WORDS += [json.dumps({'outcome': 'passed', 'detail': ''}).encode() + b'\n']
WORDS += [pickle.dumps(word) for word in ('passed', True, 0, ('passed', ''))]
WORDS += [struct.pack(form, len(word)) + word for word in WORDS for form in ('<I', '>I', '<Q')]
"""
"""What a verdict might look like on its way out."""

EARLY = (
    Hostile("sys.exit(0)", "leaves before the test", "import sys\nsys.exit(0)", ENDED, BOTH),
    Hostile("os._exit(0)", "leaves without a word", "import os\nos._exit(0)", ENDED, BOTH),
    Hostile("raise SystemExit", "what exit does", "raise SystemExit", ENDED, BOTH),
    Hostile("exit()", "of the site module, where it is there", "exit(0)", ENDED, BOTH),
    Hostile(
        "exit in the function",
        "leaves from within the test",
        "import os\ndef ascending(numbers): os._exit(0)",
        ENDED,
        BOTH,
    ),
    Hostile(
        "SystemExit in the function",
        "leaves from within the test",
        "def ascending(numbers): raise SystemExit(0)",
        ENDED,
        BOTH,
    ),
    Hostile(
        "patched exit",
        "turns the leaving of others into success",
        """
import builtins, os, sys
def leave(*_): real(0)
real = os._exit
os._exit = os.abort = sys.exit = builtins.exit = builtins.quit = leave
raise RuntimeError
""",
        ENDED,
        BOTH,
    ),
    Hostile("KeyboardInterrupt", "what Ctrl-C raises", "raise KeyboardInterrupt", ENDED),
    Hostile("GeneratorExit", "no Exception", "raise GeneratorExit", ENDED),
    Hostile(
        "BaseException",
        "slips through `except Exception`",
        "class Slippery(BaseException): pass\ndef ascending(numbers): raise Slippery",
        ENDED,
        BOTH,
    ),
    Hostile(
        "C exit",
        "leaves below Python, atexit handlers included",
        "import ctypes\nctypes.CDLL(None).exit(0)",
        NOT_PASSED,
    ),
    Hostile(
        "raw exit_group",
        "leaves by the system call itself",
        "import ctypes\nctypes.CDLL(None).syscall(231, 0)",
        NOT_PASSED,
    ),
    Hostile("kills itself", "by a signal", "import os\nos.kill(os.getpid(), 9)", NOT_PASSED),
    Hostile("abort", "SIGABRT and perhaps a core file", "import os\nos.abort()", NOT_PASSED),
    Hostile(
        "segmentation fault",
        "reads address 0",
        "import ctypes\nctypes.string_at(0)",
        NOT_PASSED,
    ),
    Hostile(
        "becomes another program",
        "exec of one that succeeds",
        """
import os, sys
for path in ('/bin/true', '/usr/bin/true'):
    try:
        os.execv(path, ['true'])
    except OSError:
        pass
os.execv(sys.executable, [sys.executable, '-c', 'pass'])
""",
        NOT_PASSED,
    ),
    Hostile(
        "exec in a thread",
        "replaces the process while the main thread is tested",
        """
import os, sys, threading
threading.Thread(target=os.execv, args=(sys.executable, [sys.executable, '-c', ''])).start()
""",
        NOT_PASSED,
    ),
    Hostile(
        "exit in a thread",
        "leaves while the main thread is tested",
        """
import os, threading, time
threading.Thread(target=lambda: (time.sleep(0.05), os._exit(0))).start()
def ascending(numbers): time.sleep(10)
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "atexit",
        "changes the status on the way out",
        "import atexit, os\natexit.register(os._exit, 0)\nraise ValueError",
        ENDED,
        BOTH,
    ),
    Hostile(
        "excepthook",
        "handles what nobody else has handled",
        "import os, sys\nsys.excepthook = lambda *_: os._exit(0)\nraise ValueError",
        ENDED,
        BOTH,
    ),
    Hostile(
        "destructor",
        "leaves when its object is destroyed",
        """
import os
class Late:
    def __del__(self, leave=os._exit): leave(0)
late = Late()
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "weakref callback",
        "leaves when the function it watches is destroyed",
        """
import os, weakref
watcher = weakref.ref(ascending, lambda _: os._exit(0))
weakref.finalize(ascending, os._exit, 0)
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "destructor that hangs",
        "the verdict is known, the process does not end",
        """
class Late:
    def __del__(self):
        while True: pass
late = Late()
""",
        ENDED | TIMED_OUT,
    ),
    Hostile(
        "atexit that hangs",
        "the verdict is known, the process does not end",
        "import atexit, time\natexit.register(time.sleep, 1e9)",
        ENDED | TIMED_OUT,
    ),
)

ANSWERING = (
    Hostile("prints", "what a passing run may print", "print('passed')\nprint(0)", tests=BOTH),
    Hostile(
        "writes a verdict everywhere",
        "every descriptor, many wordings",
        ANSWERS
        + """
import os
for descriptor in range(3, 256):
    for word in WORDS:
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, word)
        except OSError:
            pass
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "writes a verdict and leaves",
        "nobody is there to contradict",
        ANSWERS
        + """
import os
for word in WORDS:
    for descriptor in range(256):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, word)
        except OSError:
            pass
os._exit(0)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "echoes what it can read",
        "a secret that came in by a descriptor goes out by all",
        ANSWERS
        + """
import os
found = []
for descriptor in range(256):
    try:
        os.set_blocking(descriptor, False)
        found.append(os.read(descriptor, 1 << 16))
        found.append(os.pread(descriptor, 1 << 16, 0))
    except OSError:
        pass
for descriptor in range(256):
    for word in found:
        try:
            os.write(descriptor, word)
            os.write(descriptor, word + b'passed')
        except OSError:
            pass
os._exit(0)
""",
        NOT_PASSED,
    ),
    Hostile(
        "closes everything",
        "no verdict can leave",
        "import os\nos.closerange(0, 65536)",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "redirects everything",
        "every descriptor is the null device",
        """
import os
null = os.open('/dev/null', os.O_RDWR) if os.path.exists('/dev/null') else os.pipe()[1]
for descriptor in range(256):
    if descriptor != null:
        try:
            os.fstat(descriptor)
            os.dup2(null, descriptor)
        except OSError:
            pass
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "crosses descriptors",
        "each becomes its neighbour",
        """
import os
for descriptor in range(64):
    try:
        os.dup2(descriptor, (descriptor + 1) % 64)
    except OSError:
        pass
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "lets a child answer",
        "the parent leaves, the child writes a verdict",
        ANSWERS
        + """
import os
if os.fork(): os._exit(0)
for descriptor in range(256):
    for word in WORDS:
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, word)
        except OSError:
            pass
os._exit(0)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "child goes on, parent sleeps",
        "a child runs into the test in the place of its parent",
        "import os, time\nif os.fork(): time.sleep(1e9)",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "child goes on, parent leaves",
        "a child runs into the test in the place of its parent",
        "import os\nif os.fork(): os._exit(0)",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "forks in the test",
        "one of the two comes to an end that suits it",
        """
import os
def ascending(numbers):
    return [] if os.fork() else os._exit(0)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "child exits well",
        "the status of a child taken for that of the program",
        """
import os, signal
child = os.fork()
if child == 0: os._exit(0)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
""",
        NOT_PASSED,
    ),
)

LEAVING = (*EARLY, *ANSWERING)
