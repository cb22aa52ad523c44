"""Completions of HumanEval such as a model might write: right ones, nearly right ones, broken ones.

Made from the published solutions by a rule, so the same rows always give the same completions and
none has to be stored.
"""

from __future__ import annotations

import io
import random
import tokenize
from collections.abc import Iterator, Mapping
from typing import Any

Row = Mapping[str, Any]

KINDS = ("right", "slip", "right", "slip", "broken") * 4
"""Of what kind 20 completions are, and the first few of them nearly so."""

SLIPS = {
    "==": "!=",
    "!=": "==",
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "//",
    "//": "/",
    "%": "//",
    "and": "or",
    "or": "and",
    "True": "False",
    "False": "True",
    "min": "max",
    "max": "min",
    "in": "not in",
    "append": "extend",
    "sorted": "list",
    "lower": "upper",
}
"""Tokens, and what a slip makes of them."""


def completions(row: Row, n: int, endless: bool = False) -> list[str]:
    """``n`` completions of a row of HumanEval, in an order that mixes right and wrong ones.

    A slip in a solution with a `while` loop, or a part of it, may be a program that never ends.
    Whoever runs it waits for the same limit, so these are left out unless wanted (``endless``).
    """
    chance = random.Random(row["task_id"])
    right = row["canonical_solution"]
    may_change = endless or "while" not in right
    broken = [*_replacements(right), *(_parts(right) if may_change else ())]
    slips = list(_slips(row["prompt"], right)) if may_change else []
    choices = {"right": [right], "slip": slips or broken, "broken": broken}
    made = [chance.choice(choices[KINDS[number % len(KINDS)]]) for number in range(n)]
    chance.shuffle(made)
    return made


def _slips(prompt: str, solution: str) -> Iterator[str]:
    """The solution with one token exchanged, for each token for which ``SLIPS`` has another."""
    lines = (prompt + solution).splitlines(keepends=True)
    begins = [0]
    for line in lines:
        begins.append(begins[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(prompt + solution).readline):
        other = SLIPS.get(token.string)
        if token.type == tokenize.NUMBER and token.string.isdigit():
            other = str(int(token.string) + 1)
        begin = begins[token.start[0] - 1] + token.start[1] - len(prompt)
        if other is not None and begin >= 0:
            yield solution[:begin] + other + solution[begin + len(token.string) :]


def _parts(solution: str) -> Iterator[str]:
    """Half of it, and all but the last line."""
    yield solution[: len(solution) // 2]
    yield "".join(solution.splitlines(keepends=True)[:-1])


def _replacements(solution: str) -> Iterator[str]:
    """What goes wrong at large: nothing, words for code, more than was asked for."""
    yield ""
    yield "    pass\n"
    yield "    raise NotImplementedError\n"
    yield "    Here is the completed function:\n" + solution
    yield "    return undefined_name\n"
    yield solution + "\n\nprint('done' * 1000)\n"
