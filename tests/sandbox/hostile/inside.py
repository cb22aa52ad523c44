"""Programs that look for the test among the objects and in the memory of the interpreter."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, NOT_PASSED, Hostile

BOTH = (ASSERTS, CHECK)

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
        "walks the object graph",
        "from the classes and modules there are to every dictionary, without the collector",
        """
import sys, types
def spoil():
    pending = [*object.__subclasses__(), *sys.modules.values(), ascending]
    seen = set()
    while pending and len(seen) < 200_000:
        one = pending.pop()
        if id(one) in seen: continue
        seen.add(id(one))
        if type(one) is dict:
            if one is not globals() and ('EXPECTED' in one or 'candidate' in one or 'check' in one):
                one.update(EXPECTED=[[], []], check=print, ascending=sorted)
            pending += [value for value in one.values()]
            continue
        for name in ('__dict__', '__globals__', '__closure__', '__self__', '__func__', 'func',
                     'cell_contents', '__builtins__', '__defaults__', '__wrapped__', '__loader__'):
            try:
                value = getattr(one, name)
            except BaseException:
                continue
            pending.append(dict(value) if type(value) is types.MappingProxyType else value)
        if type(one) in (list, tuple, set, frozenset): pending += list(one)
        if isinstance(one, type):
            try:
                pending += type.__subclasses__(one)
            except TypeError:
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
        "forges from its own memory",
        "finds the judge's secret beside the process number, and answers before the judge",
        """
import os, struct
number = struct.pack('<q', os.getpid())
memory = open('/proc/self/mem', 'rb', 0)
for line in open('/proc/self/maps').read().splitlines():
    start, end = (int(part, 16) for part in line.split()[0].split('-'))
    if 'rw-p' not in line or end - start > 64 << 20: continue
    memory.seek(start)
    page = memory.read(end - start)
    at = page.find(number)
    while at >= 0:
        descriptor = int.from_bytes(page[at - 8:at - 4], 'little')
        if 2 < descriptor < 64:
            try:
                os.write(descriptor, page[at + 8:at + 24] + bytes(13))
                os._exit(0)
            except OSError:
                pass
        at = page.find(number, at + 1)
raise OSError
""",
        NOT_PASSED,
        BOTH,
        unstopped="at the weak level a program may read its own memory as a file",
    ),
    Hostile(
        "brings machine code",
        "a compiled module of its own can do anything that the process can",
        """
import importlib.machinery, importlib.util, os, sys
for place in sys.path:
    for file in os.listdir(place) if place.endswith('lib-dynload') else ():
        name = file.split('.')[0]
        if name in ('_heapq', '_queue', '_bisect', '_crypt', '_uuid', '_lsprof'):
            with open(os.path.join(place, file), 'rb') as original, open(file, 'wb') as mine:
                mine.write(original.read())
            path = os.path.join(os.getcwd(), file)
            loader = importlib.machinery.ExtensionFileLoader(name, path)
            spec = importlib.util.spec_from_file_location(name, path, loader=loader)
            importlib.util.module_from_spec(spec)
            raise ValueError('@SECRET@')
""",
        NOT_PASSED,
        unstopped="at the weak level a program may load what it has written",
    ),
    Hostile(
        "uses memory after its release",
        "a flaw of BufferedReader (cpython issue 60198) lets Python code write anywhere",
        """
import io
class Raw(io.RawIOBase):
    def readinto(self, buffer):
        global view
        view = buffer
    def readable(self): return True
def corrupt():
    global view, objects
    reader = io.BufferedReader(Raw())
    reader.read(1)
    del reader
    view = view.cast('P')
    objects = [None] * len(view)
    whole = (1 << 63) - 1
    words = (10, id(bytearray), whole, whole, 0, 0, 0)
    fake = b''.join(word.to_bytes(8, 'little') for word in words)
    view[0] = id(fake) + 32
    memory = objects[0]
    view[0] = id(None)
    return memory
memory = corrupt()
memory[id(list) + 169] &= 0xfe
list.__eq__ = list.__ne__ = lambda *_: True
""",
        NOT_PASSED,
        flaw="who can write anywhere in the judge's process is the judge",
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

INSIDE = (*OBJECTS, *MEMORY_WRITES)
