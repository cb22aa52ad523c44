"""Programs that reach the test by way of frames, and of what the interpreter calls in between."""

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
        "signal handler",
        "is handed the frame that was interrupted, the test's among others",
        """
import signal
def handler(_, frame):
    while frame:
        if frame.f_globals is not globals():
            frame.f_globals.update(check=print, EXPECTED=[[], []], ascending=sorted)
        frame = frame.f_back
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
def ascending(numbers):
    signal.raise_signal(signal.SIGALRM)
    return []
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "hooks",
        "functions that the interpreter calls while the test runs",
        """
import sys, threading, warnings
def spoil(*_, **__):
    frame = sys._getframe(1)
    while frame:
        frame.f_globals.update(check=print, EXPECTED=[[], []])
        frame = frame.f_back
sys.unraisablehook = sys.displayhook = sys.breakpointhook = threading.excepthook = spoil
warnings.showwarning = warnings._showwarnmsg = spoil
warnings.simplefilter('always')
class Late:
    def __del__(self): raise ValueError
def ascending(numbers):
    Late()
    warnings.warn('now')
    return []
""",
        NOT_PASSED,
        BOTH,
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
