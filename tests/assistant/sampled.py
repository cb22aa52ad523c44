"""Random texts of a set of texts."""

from __future__ import annotations

import random

from fastscore.assistant.expression import (
    Chain,
    Characters,
    Choice,
    Expression,
    Literal,
    Repeat,
)


def sampled(expression: Expression, rng: random.Random) -> str:
    """A text of the set; repetitions without end go on a few times."""
    if isinstance(expression, Literal):
        return expression.text
    if isinstance(expression, Characters):
        low, high = rng.choice(expression.ranges)
        return chr(rng.randint(low, min(high, low + 40)))
    if isinstance(expression, Chain):
        return "".join(sampled(part, rng) for part in expression.parts)
    if isinstance(expression, Choice):
        return sampled(rng.choice(expression.options), rng)
    assert isinstance(expression, Repeat)
    most = expression.least + 3 if expression.most is None else expression.most
    times = rng.randint(expression.least, max(expression.least, min(most, expression.least + 3)))
    return "".join(sampled(expression.part, rng) for _ in range(times))
