"""Sets of texts as grammars in llama.cpp's notation."""

from __future__ import annotations

from fastscore.assistant.expression import Chain, Characters, Choice, Expression, Literal, Repeat

# llama.cpp writes repetitions out, rule by rule. A text that repeats something more often than a
# grammar could say is cut back to what its form allows.
_LONGEST_COUNT = 400


def gbnf(expression: Expression) -> str:
    """Return the grammar of a set of texts, as llama.cpp reads it."""
    printer = _Printer()
    root = printer.body(expression)
    return "\n".join([f"root ::= {root}", *printer.rules])


class _Printer:
    def __init__(self) -> None:
        self.rules: list[str] = []
        # By identity: holding the expression keeps its id from being given to another.
        self._names: dict[int, tuple[str, Expression]] = {}

    def body(self, expression: Expression) -> str:
        if isinstance(expression, Choice):
            return " | ".join(self.body(option) for option in expression.options)
        if isinstance(expression, Chain):
            return " ".join(self._atom(part) for part in expression.parts)
        return self._atom(expression)

    def _atom(self, expression: Expression) -> str:
        if isinstance(expression, Literal):
            return '"' + "".join(_escaped(ord(letter)) for letter in expression.text) + '"'
        if isinstance(expression, Characters):
            ranges = (_escaped(a) + "-" + _escaped(b) for a, b in expression.ranges)
            return f"[{''.join(ranges)}]"
        if isinstance(expression, Repeat):
            return self._atom(expression.part) + _times(expression.least, expression.most)
        if id(expression) not in self._names:
            body = self.body(expression)
            name = f"r{len(self.rules)}"
            self._names[id(expression)] = name, expression
            self.rules.append(f"{name} ::= {body}")
        return self._names[id(expression)][0]


def _times(least: int, most: int | None) -> str:
    if most is None or most > _LONGEST_COUNT:
        return f"{{{least},}}" if least else "*"
    return "?" if (least, most) == (0, 1) else f"{{{least},{most}}}"


def _escaped(code: int) -> str:
    letter = chr(code)
    if letter.isascii() and (letter.isalnum() or letter in " :,.{}_"):
        return letter
    return (
        f"\\x{code:02X}"
        if code < 0x100
        else f"\\u{code:04X}"
        if code < 0x10000
        else f"\\U{code:08X}"
    )
