"""Programs that replace what the test is made of: builtins, modules, imports, `assert`."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, NOT_PASSED, Hostile

BOTH = (ASSERTS, CHECK)
NUMBER = "assert abs(ascending([3, 1]) - 1) < 1e-6\n"
HELPER = "def poly(xs): return 1 + len(xs) - 3 * (xs == [1, 2])\n"
HELPED = """\
import math
def check(candidate):
    assert math.fabs(poly(candidate([1, 2]))) < 1e-6
check(ascending)
"""
"""HumanEval/32 in short: its test calls a helper that only the prompt defines."""

BUILTINS = (
    Hostile(
        "replaces builtins",
        "the functions that tests lean on",
        """
import builtins
builtins.abs = builtins.sum = builtins.max = lambda *_, **__: 0
builtins.len = lambda _: 2
builtins.isinstance = builtins.all = builtins.any = builtins.bool = lambda *_: True
builtins.sorted = builtins.list = builtins.zip = builtins.range = lambda *_, **__: []
builtins.round = builtins.float = builtins.int = lambda *_: 0
""",
        tests=BOTH,
    ),
    Hostile(
        "replaces abs",
        "and answers with a number",
        "import builtins\nbuiltins.abs = lambda _: 0\ndef ascending(numbers): return 99.0",
        tests=(NUMBER,),
    ),
    Hostile(
        "shadows builtins in its module",
        "names that the test would find first",
        """
abs = len = lambda _: 2
sorted = list = lambda *_: []
isinstance = all = lambda *_: True
""",
        tests=BOTH,
    ),
    Hostile(
        "replaces __import__",
        "the test imports what it is given",
        """
import builtins
class Liar:
    def __getattr__(self, name): return lambda *_, **__: 9
builtins.__import__ = lambda *_, **__: Liar()
""",
        tests=BOTH,
    ),
    Hostile(
        "replaces __build_class__",
        "and what makes classes, compiles and runs code",
        """
import builtins
builtins.__build_class__ = lambda *_, **__: object
builtins.compile = builtins.eval = builtins.exec = lambda *_, **__: None
""",
        tests=BOTH,
    ),
    Hostile(
        "replaces __builtins__",
        "the dictionary itself",
        """
class Yes(dict):
    def __missing__(self, name): return lambda *_, **__: True
__builtins__ = Yes()
globals()['__builtins__'] = Yes()
""",
        tests=BOTH,
    ),
    Hostile(
        "empties builtins",
        "no name is left to judge with",
        "import builtins\nvars(builtins).clear()",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "defines check",
        "before the test does, everywhere",
        """
import builtins
def check(candidate): return True
builtins.check = check
class Guard(dict):
    def __setitem__(self, name, value): pass
""",
        tests=BOTH,
    ),
    Hostile(
        "replaces a helper of the prompt",
        "a name that the test calls beside the entry point",
        "def poly(xs): return 0",
        tests=(HELPED,),
        prelude=HELPER,
    ),
    Hostile(
        "replaces AssertionError",
        "with something that cannot be raised, or is nothing",
        """
import builtins
class Quiet(Exception):
    def __new__(cls, *_): return None
builtins.AssertionError = Quiet
""",
        tests=BOTH,
    ),
)

MODULES = (
    Hostile(
        "patches modules",
        "in place: math, copy, random",
        """
import copy, math, random
math.floor = math.fabs = lambda _: 9
copy.deepcopy = copy.copy = lambda _: []
random.randint = lambda *_: 0
random.seed = lambda *_: None
""",
        tests=(CHECK,),
    ),
    Hostile(
        "patches sys.modules",
        "so that imports find its own",
        """
import sys, types
for name in ('math', 'copy', 'random', 'typing'):
    fake = types.ModuleType(name)
    fake.__getattr__ = lambda _: lambda *_, **__: 9
    sys.modules[name] = fake
""",
        tests=(CHECK,),
    ),
    Hostile(
        "writes modules",
        "into the working directory, where imports look first",
        """
import importlib, os, sys
for name in ('math', 'copy', 'random'):
    with open(name + '.py', 'w') as file: file.write("import os\\nos._exit(0)\\n")
    sys.modules.pop(name, None)
sys.path[:0] = ['', os.getcwd()]
sys.path_importer_cache.clear()
importlib.invalidate_caches()
""",
        NOT_PASSED,
        (CHECK,),
    ),
    Hostile(
        "import hook",
        "every import that is still to come is its own",
        """
import os, sys
class Hook:
    def find_spec(self, name, path=None, target=None): os._exit(0)
sys.meta_path.insert(0, Hook())
sys.path_hooks.insert(0, lambda path: os._exit(0))
for name in ('math', 'copy', 'random'): sys.modules.pop(name, None)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "audit hook",
        "is told of every compile, exec and import, and cannot be removed",
        """
import os, sys
def hook(event, _):
    if event in ('exec', 'compile', 'import', 'marshal.loads'): os._exit(0)
sys.addaudithook(hook)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "audit hook that raises",
        "forbids everything that is audited",
        "import sys\ndef hook(*_): raise SystemExit(0)\nsys.addaudithook(hook)",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "patches every module",
        "whatever the judge is made of, if it is Python",
        """
import sys, types
def yes(*_, **__): return 'passed'
for name, module in list(sys.modules.items()):
    if name in ('builtins', 'sys', '__main__') or not isinstance(module, types.ModuleType): continue
    for key, value in list(vars(module).items()):
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
            setattr(module, key, yes)
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "patches the main module",
        "where a worker keeps its functions",
        """
import sys
for module in [sys.modules.get('__main__')] + [
    module for name, module in list(sys.modules.items()) if 'fastscore' in name
]:
    for key, value in list(vars(module).items()):
        if callable(value): setattr(module, key, lambda *_, **__: 'passed')
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "calls the judge",
        "its native functions are there to be called, if it can import them",
        """
import sys
for name, module in list(sys.modules.items()):
    if 'sandbox' not in name: continue
    for value in list(vars(module).values()):
        for arguments in ((), ('passed',), ('passed', ''), (0,)):
            try:
                value(*arguments)
            except BaseException:
                pass
try:
    from fastscore import _sandbox
    for value in list(vars(_sandbox).values()):
        for arguments in ((), ('passed',), ('passed', ''), (0,)):
            try:
                value(*arguments)
            except BaseException:
                pass
except ImportError:
    pass
""",
        NOT_PASSED,
        BOTH,
    ),
)

MACHINERY = (*BUILTINS, *MODULES)
