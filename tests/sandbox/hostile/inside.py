"""Programs that look for the test in the interpreter's own memory and change it there."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, NOT_PASSED, Hostile

BOTH = (ASSERTS, CHECK)

FRAMES = (
    Hostile(
        "jumps over the asserts",
        "a trace function may set f_lineno",
        """
import sys, threading
def trace(frame, event, argument):
    if frame.f_code.co_name != 'ascending' and event == 'line':
        try:
            lines = [line for *_, line in frame.f_code.co_lines() if line]
            frame.f_lineno = max(lines)
        except ValueError:
            pass
    return trace
sys.settrace(trace)
threading.settrace(trace)
def ascending(numbers):
    frame = sys._getframe(1)
    while frame:
        frame.f_trace = trace
        frame = frame.f_back
    return []
""",
        tests=BOTH,
    ),
    Hostile(
        "profiles",
        "a profile function is called at every return",
        """
import os, sys
def profile(frame, event, argument):
    if event == 'return' and frame.f_code.co_name in ('check', '<module>'): os._exit(0)
sys.setprofile(profile)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "walks the frames",
        "up to the caller's globals, where check and assert's names are",
        """
import sys
def spoil(frame):
    while frame:
        for names in (frame.f_globals, frame.f_locals):
            for name in list(names):
                if name not in ('ascending', '__builtins__', 'sys', 'spoil'):
                    names[name] = lambda *_, **__: []
        frame = frame.f_back
spoil(sys._getframe())
def ascending(numbers):
    spoil(sys._getframe())
    return []
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "walks a traceback",
        "where sys._getframe is not to be had",
        """
def spoil():
    try:
        raise ValueError
    except ValueError as error:
        frame = error.__traceback__.tb_frame
    while frame:
        if 'check' in frame.f_globals: frame.f_globals['check'] = lambda _: None
        frame.f_globals['EXPECTED'] = [[], []]
        frame = frame.f_back
spoil()
def ascending(numbers):
    spoil()
    return []
""",
        tests=BOTH,
    ),
    Hostile(
        "walks a generator's frame",
        "frames without any call",
        """
def walk():
    frame = (lambda: (yield))().gi_frame
    while frame:
        frame.f_globals.update(check=print, EXPECTED=[[], []])
        frame = frame.f_back
walk()
""",
        tests=BOTH,
    ),
    Hostile(
        "reads the answers",
        "the expected values are constants of the code that calls it",
        """
import sys
answers = iter(())
def ascending(numbers):
    frame = sys._getframe(1)
    while frame:
        for constant in frame.f_code.co_consts:
            if isinstance(constant, tuple) and sorted(constant) == sorted(numbers):
                if list(constant) != numbers: return list(constant)
        frame = frame.f_back
    return []
""",
        tests=(ASSERTS,),
    ),
    Hostile(
        "reads the test's source",
        "from linecache, the loader, or wherever text is kept",
        """
import gc
def ascending(numbers):
    text = [one for one in gc.get_objects() if isinstance(one, str) and 'assert ascending' in one]
    for holder in gc.get_objects():
        if isinstance(holder, dict):
            for value in list(holder.values()):
                if type(value) is str and 'assert ascending' in value and len(value) < 9999:
                    for line in value.splitlines():
                        if str(numbers) in line and '==' in line:
                            return eval(line.split('==')[1])
    return []
""",
        tests=(ASSERTS,),
    ),
)

OBJECTS = (
    Hostile(
        "swaps the check's code",
        "found by the garbage collector",
        """
import gc, types
def spoil():
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType) and one.__name__ in ('check', 'judge', 'run'):
            try:
                one.__code__ = (lambda *_, **__: True).__code__
            except ValueError:
                pass
spoil()
def ascending(numbers):
    spoil()
    return []
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "changes the expected value",
        "lists of the test are found and emptied in place",
        """
import gc
def ascending(numbers):
    for one in gc.get_objects():
        if type(one) is list and one in ([1, 2, 3], [4, 5], [[1, 2, 3], [4, 5]]): one.clear()
    return []
""",
        tests=BOTH,
    ),
    Hostile(
        "changes its arguments",
        "which the test may compare with afterwards",
        """
def ascending(numbers):
    numbers.clear()
    return numbers
""",
        tests=("given = [3, 1, 2]\nassert ascending(given) == [1, 2, 3]\n", ASSERTS),
    ),
    Hostile(
        "keeps what it returned",
        "and changes it while it is compared",
        """
import threading
kept = []
def ascending(numbers):
    kept.append([])
    return kept[-1]
def change():
    while True:
        for one in kept[-3:]: one[:] = [1, 2, 3]; one.clear()
threading.Thread(target=change, daemon=True).start()
""",
        NOT_PASSED,
        (ASSERTS,),
    ),
    Hostile(
        "looks for a secret",
        "writes every text and every bytes that it can find to every descriptor",
        """
import gc, os
found = set()
for holder in gc.get_objects():
    for one in gc.get_referents(holder):
        if type(one) is bytes and 4 <= len(one) <= 128: found.add(one)
        if type(one) is str and 8 <= len(one) <= 64 and one.isascii(): found.add(one.encode())
        if type(one) is int and one > 1 << 30: found.add(one.to_bytes(64, 'little'))
for descriptor in range(3, 64):
    try:
        os.set_blocking(descriptor, False)
        for one in list(found)[:20_000]:
            os.write(descriptor, one)
            os.write(descriptor, b'passed' + one)
    except OSError:
        pass
os._exit(0)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "replaces code",
        "code objects made by hand crash or mislead the interpreter",
        """
code = ascending.__code__
ascending.__code__ = code.replace(co_code=bytes([100, 200] * 40), co_consts=(), co_stacksize=1)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "unmarshals rubbish",
        "bytes that are no code",
        """
import marshal, random
for seed in range(2000):
    noise = random.Random(seed).randbytes(200)
    try:
        exec(marshal.loads(b'c' + noise))
    except Exception:
        pass
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "unpickles a call",
        "a pickle that leaves",
        "import pickle\npickle.loads(b'cos\\n_exit\\n(I0\\ntR.')",
        NOT_PASSED,
    ),
)

MEMORY_WRITES = (
    Hostile(
        "rewrites list's equality",
        "ctypes finds the slot of the type and puts its own function there",
        """
import ctypes
kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)
always = kind(lambda one, other, operation: True)
address = ctypes.cast(always, ctypes.c_void_p).value
slots = ctypes.cast(id(list), ctypes.POINTER(ctypes.c_void_p))
slots[25] = address
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "rewrites integers",
        "every small int becomes another",
        """
import ctypes
for number in range(-5, 257):
    ctypes.c_int.from_address(id(number) + 24).value = 0
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "rewrites constants",
        "the expected tuple inside the code object",
        """
import ctypes, sys
def ascending(numbers):
    frame = sys._getframe(1)
    while frame:
        for constant in frame.f_code.co_consts:
            if isinstance(constant, tuple):
                ctypes.c_ssize_t.from_address(id(constant) + 16).value = 0
        frame = frame.f_back
    return []
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "reads its own memory",
        "every readable page is searched for words beside a verdict, and written out",
        """
import os
maps = open('/proc/self/maps').read().splitlines()
memory = open('/proc/self/mem', 'rb', 0)
for line in maps:
    if 'rw-p' not in line: continue
    start, end = (int(part, 16) for part in line.split()[0].split('-'))
    try:
        memory.seek(start)
        page = memory.read(min(end - start, 1 << 20))
    except (OSError, ValueError, OverflowError):
        continue
    for descriptor in range(3, 32):
        try:
            os.set_blocking(descriptor, False)
            os.write(descriptor, page)
        except OSError:
            pass
os._exit(0)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "writes over memory",
        "all that is writable, at random",
        """
import ctypes, random
for _ in range(10**6):
    ctypes.c_byte.from_address(id(random.choice([list, dict, int, ascending])) + 8).value = 1
""",
        NOT_PASSED,
        BOTH,
    ),
)

INSIDE = (*FRAMES, *OBJECTS, *MEMORY_WRITES)
