"""Programs whose answers decide themselves what they are equal to."""

from __future__ import annotations

from hostile.case import ASSERTS, CHECK, Hostile

BOTH = (ASSERTS, CHECK)
NUMBER = "assert abs(ascending([3, 1]) - 1) < 1e-6\n"
TEXT = "assert ascending('ba') == 'ab'\nassert ascending('dc') == 'cd'\n"

EQUALITY = (
    Hostile(
        "equals everything",
        "an answer that decides the comparison itself",
        """
class Any:
    def __eq__(self, other): return True
    def __ne__(self, other): return True
    def __bool__(self): return True
def ascending(numbers): return Any()
""",
        tests=BOTH,
    ),
    Hostile(
        "list that equals everything",
        "the subclass is asked first",
        """
class Any(list):
    def __eq__(self, other): return True
    def __ne__(self, other): return True
    def __len__(self): return 2
    def __getitem__(self, index): return 9.0
def ascending(numbers): return Any()
""",
        tests=BOTH,
    ),
    Hostile(
        "element that equals everything",
        "hidden in an honest list",
        """
class Any:
    def __eq__(self, other): return True
def ascending(numbers): return [Any() for _ in numbers]
""",
        tests=BOTH,
    ),
    Hostile(
        "number that is always near",
        "subtracts and compares as it likes",
        """
class Near(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return self
    __rsub__ = __sub__
    def __abs__(self): return self
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
def ascending(numbers): return Near(99)
""",
        tests=(NUMBER,),
    ),
    Hostile(
        "int that is always near",
        "the same from int",
        """
class Near(int):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0
    def __rsub__(self, other): return 0
    def __abs__(self): return 0
def ascending(numbers): return Near(99)
""",
        tests=(NUMBER,),
    ),
    Hostile(
        "text that equals everything",
        "the same from str",
        """
class Any(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = str.__hash__
def ascending(text): return Any('no')
""",
        tests=(TEXT,),
    ),
    Hostile(
        "equality from a metaclass",
        "the class itself is the answer",
        """
class Meta(type):
    def __eq__(cls, other): return True
    def __instancecheck__(cls, other): return True
    __hash__ = type.__hash__
class Any(metaclass=Meta): pass
def ascending(numbers): return Any
""",
        tests=BOTH,
    ),
    Hostile(
        "answers in kind",
        "a comparison that is a true object, not True",
        """
class Any:
    def __eq__(self, other): return self
    __ne__ = __lt__ = __sub__ = __abs__ = __eq__
    def __bool__(self): return True
def ascending(numbers): return Any()
""",
        tests=(ASSERTS, NUMBER),
    ),
)
