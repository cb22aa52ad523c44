"""What honest programs do passes, though the jail, the seals and the boundary stand in between."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator

import pytest

from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the strong level is Linux's")

TEST = "assert f(2) == 3\nassert f(3) == 4\n"

USES = {
    "asyncio": """
        import asyncio
        async def g(x): return x + 1
        def f(x): return asyncio.run(g(x))
    """,
    "classes of the standard library": """
        from collections import namedtuple
        from dataclasses import dataclass
        from enum import Enum
        from typing import NamedTuple
        P = namedtuple('P', 'a b')
        class E(Enum): ONE = 1
        class N(NamedTuple):
            a: int
        @dataclass
        class D:
            a: int
        def f(x): return D(x).a + E.ONE.value + P(0, N(0).a).b
    """,
    "code that writes code": "exec('def f(x): return x + 1')",
    "compression and hashes": """
        import bz2, hashlib, lzma, zlib
        def f(x):
            data = hashlib.sha256(bytes(x)).digest()
            for codec in (bz2, lzma, zlib): assert codec.decompress(codec.compress(data)) == data
            return x + 1
    """,
    "copies and pickles": """
        import copy, pickle
        def f(x): return copy.deepcopy(pickle.loads(pickle.dumps([x + 1])))[0]
    """,
    "deep recursion": """
        import sys
        sys.setrecursionlimit(10**6)
        def g(n): return 0 if n == 0 else 1 + g(n - 1)
        def f(x): return g(20_000) - 20_000 + x + 1
    """,
    "doctest": """
        import doctest
        def f(x):
            '''
            >>> f(1)
            2
            '''
            return x + 1
        doctest.testmod()
        doctest.run_docstring_examples(f, globals())
    """,
    "files of its own": """
        import os, tempfile
        def f(x):
            with tempfile.TemporaryFile() as file: file.write(b'1')
            with open('a', 'w') as file: file.write('x')
            assert os.listdir('.') == ['a']
            return x + 1
    """,
    "inspection of itself": """
        import inspect
        def f(x):
            assert inspect.currentframe().f_code.co_name == 'f'
            assert [frame.function for frame in inspect.stack()] == ['f']
            assert str(inspect.signature(f)) == '(x)'
            assert f.__code__.co_argcount == 1 and f.__globals__ is globals()
            return x + 1
    """,
    "its own names": """
        def g(x): return eval('x + 1') + 0 * len(locals()) + 0 * len(vars()) + 0 * len(dir())
        def f(x): return globals()['g'](x)
    """,
    "logging": "import logging\ndef f(x):\n    logging.warning('x')\n    return x + 1",
    "memoised": "import functools\n@functools.lru_cache(None)\ndef f(x): return x + 1",
    "partial": "import functools, operator\nf = functools.partial(operator.add, 1)",
    "built in": "f = (1).__add__",
    "a class with a call": "class F:\n    def __call__(self, x): return x + 1\nf = F()",
    "sqlite": """
        import sqlite3
        def f(x): return sqlite3.connect(':memory:').execute('select ? + 1', (x,)).fetchone()[0]
    """,
    "strptime": """
        from datetime import datetime
        datetime.strptime('2020-01-01', '%Y-%m-%d')
        def f(x): return x + 1
    """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        def f(x):
            with ThreadPoolExecutor(4) as pool: return list(pool.map(lambda y: y + 1, [x]))[0]
    """,
    "tracebacks": """
        import sys, traceback
        def f(x):
            try: 1 / 0
            except ZeroDivisionError as error:
                traceback.print_exc()
                assert 'ZeroDivisionError' in traceback.format_exc()
                assert error.__traceback__.tb_frame.f_locals['x'] == x
                assert sys.exc_info()[2].tb_frame.f_back is None
            return x + 1
    """,
    "unittest": """
        import unittest
        def f(x): return x + 1
        class T(unittest.TestCase):
            def test(self): self.assertEqual(f(1), 2)
        suite = unittest.defaultTestLoader.loadTestsFromTestCase(T)
        assert unittest.TextTestRunner().run(suite).wasSuccessful()
    """,
    "warnings": """
        import warnings
        def f(x):
            warnings.warn('y', stacklevel=2)
            return x + 1
    """,
    "a main that is not run": """
        def f(x): return x + 1
        if __name__ == '__main__': raise SystemExit
    """,
    "output": "import sys\ndef f(x):\n    print(x)\n    sys.stderr.write('x')\n    return x + 1",
    "random numbers": "import random\ndef f(x): return x + 1 + 0 * random.randint(1, 6)",
    "a continuation at the end": "def f(x): return x + 1\\",
}

VALUES = [
    *("None", "True", "...", "NotImplemented", "0", "-1", "10**40", "-(1 << 63)", "0.1", "-0.0"),
    *("float('inf')", "1e-320", "1j", "complex('inf')", "'text'", "''", "'\\ud800é\\0'", "b'a\\0'"),
    *("bytearray(b'x')", "[]", "[1, [2], (3, [])]", "()", "(1, (2, 'x'))", "{}", "{1: {2: [3]}}"),
    *("{1, 2}", "frozenset({(1, 2)})", "set()", "range(2, 9, 3)", "slice(1, None, 2)", "int"),
    *("{(1, 'a'): None}", "[[]] * 3", "array('d', [1.5, 2])", "deque([1, 2], 3)", "deque()"),
    *("Counter('aab')", "OrderedDict([(2, 1), (1, 2)])", "defaultdict(int, {1: 2})"),
    *("Decimal('1.10')", "Fraction(1, 3)", "date(2020, 2, 29)", "timedelta(1, 2, 3)"),
    *("datetime(2020, 1, 2, 3, 4, 5, 6)", "{1: 2}.keys()", "{1: 2}.items()", "[float('inf')]"),
]
IMPORTS = """
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
"""
SAME = """
def same(one, other):
    assert type(one) is type(other), (type(one), type(other))
    assert one == other, (one, other)
    assert repr(one) == repr(other), (one, other)
    if isinstance(one, (list, tuple, dict)):
        for a, b in zip(one, other): same(a, b)
    return True
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1, limits=SandboxLimits(cpu_seconds=5)) as sandbox:
        yield sandbox


def judge(sandbox: Sandbox, source: str, test: str, entry_point: str | None = "f") -> Execution:
    program = Program(textwrap.dedent(source), textwrap.dedent(test), entry_point)
    [(_, execution)] = sandbox.run([program])
    return execution


@pytest.mark.parametrize("use", USES)
def test_passes(sandbox: Sandbox, use: str) -> None:
    execution = judge(sandbox, USES[use], TEST)
    assert execution.outcome == "passed", execution


@pytest.mark.parametrize("value", VALUES)
def test_values_arrive_as_they_are(sandbox: Sandbox, value: str) -> None:
    test = f"{IMPORTS}{SAME}assert same(f(), {value})"
    execution = judge(sandbox, f"{IMPORTS}def f(): return {value}", test)
    assert execution.outcome == "passed", execution


def test_dict_values_arrive(sandbox: Sandbox) -> None:
    execution = judge(sandbox, "def f(): return {1: 2}.values()", "assert list(f()) == [2]")
    assert execution.passed, execution


def test_shared_and_cyclic_structures_keep_their_shape(sandbox: Sandbox) -> None:
    source = """
    def f():
        shared = []
        cycle = [shared, shared, {}]
        cycle[2]['me'] = cycle
        deep = []
        for _ in range(60): deep = [deep, deep]
        return cycle, deep
    """
    test = """
    cycle, deep = f()
    assert cycle[0] is cycle[1] and cycle[2]['me'] is cycle
    for _ in range(60):
        assert deep[0] is deep[1]
        deep = deep[0]
    assert deep == []
    """
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_subclasses_become_what_they_hold(sandbox: Sandbox) -> None:
    source = """
    import collections, enum, typing
    class Level(enum.IntEnum): LOW = 1
    class Pair(typing.NamedTuple):
        a: int
        b: list
    class Name(str): pass
    class Bag(dict): pass
    class Many(frozenset): pass
    def f(): return [Level.LOW, Pair(1, [2]), Name('x'), Bag(a=1), Many([1]), True]
    """
    test = """
    assert f() == [1, (1, [2]), 'x', {'a': 1}, {1}, True]
    assert [type(x) for x in f()] == [int, tuple, str, dict, frozenset, bool]
    """
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_iterators_and_functions_can_be_returned(sandbox: Sandbox) -> None:
    source = """
    import itertools
    def numbers():
        yield 1
        yield [2]
    def fail():
        yield 1
        raise KeyError('k')
    def f(what):
        if what == 'generator': return numbers()
        if what == 'fails': return fail()
        if what == 'map': return map(str, [1, 2])
        if what == 'count': return itertools.count(5)
        if what == 'function': return lambda x: [x, lambda: x]
    """
    test = """
    assert list(f('generator')) == [1, [2]]
    assert sum(1 for _ in f('generator')) == 2
    assert list(f('map')) == ['1', '2']
    assert next(f('count')) == 5 and [x for x, _ in zip(f('count'), 'ab')] == [5, 6]
    assert f('function')(3)[0] == 3 and f('function')(4)[1]() == 4
    steps = f('fails')
    assert next(steps) == 1
    try: next(steps)
    except KeyError as error: assert error.args == ('k',) or str(error)
    else: assert False
    """
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_exceptions_arrive(sandbox: Sandbox) -> None:
    source = """
    class Own(LookupError): pass
    def f(what):
        if what == 'own': raise Own('x')
        raise ValueError('bad')
    """
    test = """
    try: f('value')
    except ValueError as error: assert str(error) == 'bad'
    else: assert False
    try: f('own')
    except Exception as error: assert str(error) == 'x'
    else: assert False
    """
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_arguments_can_be_changed_in_place(sandbox: Sandbox) -> None:
    source = """
    def f(items, table, names, data):
        items.sort()
        table['x'] = [1]
        names.add('n')
        data.append(7)
        return items
    """
    test = """
    items, table, names, data = [3, 1], {}, set(), bytearray()
    result = f(items, table, names, data)
    assert items == [1, 3] and result is items
    assert (table, names, data) == ({'x': [1]}, {'n'}, bytearray([7]))
    """
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_objects_can_be_handed_back(sandbox: Sandbox) -> None:
    source = """
    class Node:
        def __init__(self, value): self.value = value
    def f(node=None): return Node(7) if node is None else node.value
    """
    test = "node = f()\nassert f(node) == 7\nassert node is node and f() is not node"
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_callbacks_of_the_tests_are_called(sandbox: Sandbox) -> None:
    source = "def f(function, items): return [function(x) for x in items]"
    test = "assert f(lambda x: x * 2, [1, 2]) == [2, 4]\nassert f(len, ['ab']) == [2]"
    execution = judge(sandbox, source, test)
    assert execution.passed, execution


def test_tests_without_entry_point_find_what_they_name(sandbox: Sandbox) -> None:
    source = """
    import math
    LIMIT = [1, 2]
    def one(): return 1
    def sum(values): return -1
    """
    test = """
    assert one() + math.floor(1.5) == 2
    assert LIMIT == [1, 2]
    assert sum([1, 2]) == 3
    def helper(): return one()
    assert helper() == 1
    """
    execution = judge(sandbox, source, test, None)
    assert execution.passed, execution


def test_the_reference_says_what_may_hide_a_builtin(sandbox: Sandbox) -> None:
    reference = "def sum(a, b): return a + b\nclass Pair:\n    def __init__(self, a): self.a = a"
    source = """
    class Pair:
        def __init__(self, a): self.a = a
        def __lt__(self, other): return self.a < other.a
    def sum(pairs): return sorted(pairs)[-1].a
    """
    test = """
    pair = Pair(1)
    pair.a = 5
    assert sum([pair, Pair(3)]) == 5
    """
    program = Program(textwrap.dedent(source), textwrap.dedent(test), None, reference=reference)
    [(_, execution)] = sandbox.run([program])
    assert execution.passed, execution


def test_the_prelude_defines_helpers_but_not_the_answer(sandbox: Sandbox) -> None:
    prelude = "from typing import List\ndef double(x): return 2 * x\ndef f(x): 'not yet'\n"
    test = "def check(candidate):\n    assert candidate(double(2)) == 5\ncheck(f)"
    for body, outcome in (("return x + 1", "passed"), ("return x", "failed")):
        source = f"def double(x): return 0\ndef f(x): {body}"
        [(_, execution)] = sandbox.run([Program(source, test, "f", prelude=prelude)])
        assert execution.outcome == outcome, execution
    [(_, execution)] = sandbox.run([Program("def g(x): pass", test, "f", prelude=prelude)])
    assert (execution.error, execution.message) == ("NameError", "name 'f' is not defined")
