"""Programs whose answers are a trap for what looks at them: endless, cyclic, deep, of odd types."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, NOT_PASSED, Hostile

PAIR = """\
class Pair:
    def __init__(self, a, b):
        self.a, self.b = a, b
"""
PAIRS = "assert ascending([Pair(5, 24), Pair(39, 60)]) == 3\n"
"""MBPP/601 in short: its reference brings a class for the test to make arguments of."""

BOTH = (ASSERTS, CHECK)

STRANGE = (
    Hostile(
        "ANY",
        "the standard library has an object that equals everything",
        "from unittest.mock import ANY\ndef ascending(numbers): return ANY",
        tests=BOTH,
    ),
    Hostile(
        "list of ANY",
        "and one may hide in a list",
        "from unittest.mock import ANY\ndef ascending(numbers): return [ANY] * len(numbers)",
        tests=BOTH,
    ),
    Hostile(
        "mock",
        "answers every call and every operator as it is told",
        """
from unittest.mock import MagicMock
def ascending(numbers):
    answer = MagicMock()
    answer.__eq__ = lambda *_: True
    answer.__ne__ = lambda *_: True
    return answer
""",
        tests=BOTH,
    ),
    Hostile(
        "class of the reference",
        "where a problem asks for a class, its operators are the program's",
        PAIR
        + """
    def __eq__(self, other): return True
def ascending(pairs): return pairs[0]
""",
        tests=(PAIRS,),
        reference=PAIR,
    ),
    Hostile(
        "replaced by name",
        "a class whose name is that of a builtin",
        """
class list(list):
    def __eq__(self, other): return True
class int(int):
    def __eq__(self, other): return True
def ascending(numbers): return list([int(1)])
""",
        tests=BOTH,
    ),
    Hostile(
        "dictionary of equals",
        "keys that hash and compare as they like, in every container there is",
        """
import collections, types
class Any:
    def __eq__(self, other): return True
    def __hash__(self): return 0
kinds = [lambda: (Any(),), lambda: {Any(): 1}, lambda: {Any()}, lambda: frozenset([Any()]),
         lambda: collections.deque([Any()]), lambda: collections.UserList([Any()]),
         lambda: types.SimpleNamespace(x=Any()), lambda: collections.OrderedDict({Any(): 1})]
turn = 0
def ascending(numbers):
    global turn
    turn += 1
    return kinds[turn % len(kinds)]()
""",
        tests=BOTH,
    ),
    Hostile(
        "containers of its own",
        "subclasses of all that compare by content",
        """
import collections, datetime, decimal, fractions
def equal(kind):
    return type('Any', (kind,), {'__eq__': lambda *_: True, '__ne__': lambda *_: True,
                                 '__hash__': lambda _: 0, '__sub__': lambda *_: 0})
answers = [equal(tuple)(), equal(set)(), equal(dict)(), equal(bytes)(), equal(complex)(),
           equal(frozenset)(), equal(collections.deque)(), equal(collections.Counter)(),
           equal(decimal.Decimal)(1), equal(fractions.Fraction)(1), equal(bytearray)(),
           equal(datetime.date)(2000, 1, 1), equal(collections.UserList)(), equal(Exception)()]
def ascending(numbers):
    answers.append(answers.pop(0))
    return answers[0]
""",
        tests=BOTH,
    ),
    Hostile(
        "stops iteration",
        "ends the loop that the test calls it in",
        "def ascending(numbers): raise StopIteration",
        tests=(
            "assert all(map(ascending, [[1], [2]]))\n",
            "assert [*map(ascending, [[1]])] != [[2]]\nassert ascending([1]) == [1]\n",
        ),
    ),
    Hostile(
        "class for a function",
        "a call makes an object, isinstance and all",
        """
class ascending(list):
    def __init__(self, numbers): pass
    def __eq__(self, other): return True
""",
        tests=BOTH,
    ),
    Hostile(
        "descriptor for a function",
        "an object with a call of its own",
        """
class Function:
    __name__ = 'ascending'
    def __call__(self, numbers): return self
    def __eq__(self, other): return True
    def __getattr__(self, name): return self
    def __iter__(self): return iter([self])
    def __len__(self): return 2
ascending = Function()
""",
        tests=BOTH,
    ),
)

BOUNDLESS = (
    Hostile(
        "answer in itself",
        "a list that is its own element",
        "def ascending(numbers):\n    answer = []\n    answer.append(answer)\n    return answer",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "deep answer",
        "nested deeper than a recursive walk can go",
        """
def ascending(numbers):
    answer = []
    for _ in range(10**6): answer = [answer]
    return answer
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "endless answer",
        "an iterator without end",
        "import itertools\ndef ascending(numbers): return itertools.count()",
        NOT_PASSED,
        ("assert list(ascending([2, 1])) == [1, 2]\n", ASSERTS),
    ),
    Hostile(
        "answer that grows",
        "iterating over it makes it longer",
        """
class Growing(list):
    def __iter__(self):
        while True: yield 1
    def __len__(self): return 2**62
def ascending(numbers): return Growing([1])
""",
        NOT_PASSED,
        BOTH,
    ),
    Hostile(
        "huge answer",
        "a billion elements in eight bytes",
        "def ascending(numbers): return range(10**18)",
        NOT_PASSED,
        ("assert list(ascending([2, 1])) == [1, 2]\n", ASSERTS),
    ),
    Hostile(
        "answer that hangs",
        "in its hash, length, iteration, comparison or representation",
        """
def hang(*_):
    while True: pass
Slow = type('Slow', (list,), dict.fromkeys(
    ['__eq__', '__hash__', '__len__', '__iter__', '__repr__', '__bool__', '__getitem__'], hang))
def ascending(numbers): return Slow()
""",
        NOT_PASSED,
        BOTH,
    ),
)

ANSWERS = (*STRANGE, *BOUNDLESS)
