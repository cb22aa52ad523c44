"""Programs whose text is the weapon, that of their source or that of their exceptions."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, ENDED, FAILED, MEMORY, NOT_PASSED, TIMED_OUT, Hostile

BOTH = (ASSERTS, CHECK)

SOURCE = (
    Hostile("open string", "would swallow a test that is appended", 'swallowed = """', tests=BOTH),
    Hostile("open bracket", "would swallow a test that is appended", "swallowed = (", tests=BOTH),
    Hostile("backslash", "would join the test's first line", "swallowed = 0 \\", tests=BOTH),
    Hostile("open block", "would indent the test", "if False:\n    pass\n    ", tests=BOTH),
    Hostile("open try", "would catch what the test raises", "try:\n    pass\nexcept:", tests=BOTH),
    Hostile(
        "null byte",
        "would end a C string before the test",
        "passed = True\0",
        tests=BOTH,
    ),
    Hostile(
        "lone surrogate",
        "is no UTF-8",
        "text = '\ud800'\nraise ValueError(text)",
        tests=BOTH,
    ),
    Hostile(
        "very deep source",
        "nested beyond what the parser takes",
        "x = " + "(" * 5000 + ")" * 5000,
        NOT_PASSED,
    ),
    Hostile("no function", "the entry point is deleted", "del ascending", tests=BOTH),
    Hostile(
        "source of megabytes",
        "takes time and memory to compile",
        "x = [" + "1," * 1_000_000 + "]",
        NOT_PASSED,
    ),
)

EXCEPTIONS = (
    Hostile("huge message", "100 MB of it", "raise ValueError('x' * 10**8)", FAILED | MEMORY),
    Hostile(
        "huge name",
        "a type name of megabytes",
        "raise type('E' * 10**6, (Exception,), {})('x')",
        FAILED | MEMORY,
    ),
    Hostile(
        "message that hangs",
        "__str__ never returns",
        """
class Endless(Exception):
    def __str__(self):
        while True: pass
    __repr__ = __str__
raise Endless
""",
        FAILED | TIMED_OUT,
    ),
    Hostile(
        "message that leaves",
        "__str__ exits with status 0",
        """
import os
class Leaving(Exception):
    def __str__(self): os._exit(0)
    __repr__ = __str__
raise Leaving
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "message that raises",
        "__str__ fails in its turn",
        """
class Failing(Exception):
    def __str__(self): raise self
    __repr__ = __str__
raise Failing
""",
    ),
    Hostile(
        "message that is no text",
        "__str__ returns something else, or a subclass of str that lies",
        """
class Lie(str):
    def __str__(self): return self
    def encode(self, *_): return b'passed'
    def __getitem__(self, _): return 'passed'
    def __format__(self, _): return 'passed'
class Odd(Exception):
    def __str__(self): return Lie('x')
raise Odd
""",
    ),
    Hostile(
        "surrogates in the message",
        "text that cannot be encoded",
        "raise ValueError('\\ud800\\udfff lone')",
    ),
    Hostile(
        "codecs of its own",
        "called when the message is encoded",
        """
import codecs, os
for name in ('strict', 'replace', 'ignore', 'backslashreplace', 'surrogateescape'):
    codecs.register_error(name, lambda error: os._exit(0))
codecs.register(lambda name: os._exit(0))
raise ValueError('\\ud800')
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "control characters in the message",
        "would move the cursor, set the title, or break the line of a log",
        r"raise ValueError('\x1b]0;owned\x07\x1b[2J\r\n{\"passed\": true}\n\0\x9b\u202e\u2028')",
    ),
    Hostile(
        "name like a verdict",
        "a type called passed",
        "raise type('passed', (Exception,), {'__module__': 'passed', '__qualname__': 'passed'})()",
    ),
    Hostile(
        "name that lies",
        "a metaclass answers for __name__, __class__ and isinstance",
        """
class Meta(type):
    __name__ = property(lambda cls: 1 / 0)
    def __getattribute__(cls, name): raise SystemExit(0)
class Odd(Exception, metaclass=Meta):
    __class__ = property(lambda self: int)
def ascending(numbers): raise Odd
""",
        ENDED,
        BOTH,
    ),
    Hostile(
        "chain of causes",
        "a cycle, and one of a million links",
        """
first = error = ValueError('first')
for number in range(10**5):
    following = ValueError(number)
    error.__cause__ = error.__context__ = following
    error = following
error.__context__ = first
raise first
""",
    ),
    Hostile(
        "exception group",
        "many at once, nested",
        """
group = ValueError('x')
for _ in range(5000):
    group = ExceptionGroup('g', [group])
raise group
""",
        NOT_PASSED,
    ),
    Hostile(
        "assertion of its own",
        "raises what a failing test would raise, with another message",
        "def ascending(numbers): raise AssertionError('passed')",
        tests=BOTH,
    ),
    Hostile(
        "fails to unwind",
        "a finally clause that swallows every exception, the limit's too",
        """
def ascending(numbers):
    while True:
        try:
            while True: pass
        finally:
            continue
""",
        TIMED_OUT,
    ),
)

WORDING = (*SOURCE, *EXCEPTIONS)
