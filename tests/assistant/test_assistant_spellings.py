"""Numbers within bounds and texts of patterns, against the obvious checks."""

from __future__ import annotations

import json
import random
import re
from decimal import Decimal

import pytest

from fastscore.assistant.numerals import Bounds, decimals, integers
from fastscore.assistant.patterns import pattern
from fastscore.errors import UsageError

from .sampled import sampled
from .test_assistant_forms import accepts


def _inside(value: Decimal, bounds: Bounds) -> bool:
    low, high = bounds.low, bounds.high
    above = low is None or (value > low if bounds.low_open else value >= low)
    return above and (high is None or (value < high if bounds.high_open else value <= high))


def _some_bounds(rng: random.Random) -> Bounds:
    low = Decimal(rng.randint(-1200, 1200)).scaleb(-rng.choice([0, 0, 1, 2])).normalize()
    high = (low + Decimal(rng.randint(0, 900)).scaleb(-rng.choice([0, 1, 2]))).normalize()
    return Bounds(
        low if rng.random() < 0.85 else None,
        high if rng.random() < 0.85 else None,
        rng.random() < 0.4,
        rng.random() < 0.4,
    )


def test_numbers_keep_their_bounds_and_all_of_them_can_be_written() -> None:
    rng = random.Random(0)
    for _ in range(300):
        bounds = _some_bounds(rng)
        whole, fractional = integers(bounds), decimals(bounds)
        near = [edge for edge in (bounds.low, bounds.high) if edge is not None] or [Decimal(0)]
        for _ in range(30):
            step = Decimal(rng.randint(-1500, 1500)).scaleb(-rng.choice([0, 1, 2, 3]))
            value = (rng.choice(near) + rng.choice([0, step])).normalize()
            assert accepts(fractional, f"{value:f}") is _inside(value, bounds), (bounds, value)
            n = int(value)
            assert accepts(whole, str(n)) is _inside(Decimal(n), bounds), (bounds, n)
        for expression in (whole, fractional):
            if expression.longest:
                for _ in range(10):
                    text = sampled(expression, rng)
                    assert _inside(Decimal(text), bounds), (bounds, text)
                    assert json.loads(text) == float(text)


@pytest.mark.parametrize("text", ["01", "1.", ".5", "-", "", "+1", "1e3", "1" * 16, "--1", "00"])
def test_numbers_are_those_of_json_and_end(text: str) -> None:
    for bounds in (Bounds(), Bounds(Decimal(-7)), Bounds(None, Decimal("7.5"))):
        assert not accepts(integers(bounds), text)
        assert not accepts(decimals(bounds), text)


PATTERNS = [
    r"^a.{0,3}$",
    r"^[a-c]+$",
    r"ab|cd",
    r"^(?:x|yz){2,3}$",
    r"\d+",
    r"^\w+-\d{2}$",
    r"^[^a-c]*$",
    r'^"\\?$',
    r"^\s?b$",
    r"^(a|b)?c$",
    r"^[A-Z]{2}\.\d$|^q$",
    r"^é+$",
    "",
    r"^a+?b$",
    r"^[\w.-]+@[a-z]+$",
    r"^\x41\u00e9?[\-\]]{1,}$",
]


@pytest.mark.parametrize("source", PATTERNS)
def test_a_pattern_is_found_in_the_texts_that_re_finds_it_in(source: str) -> None:
    rng = random.Random(source)
    expression = pattern(source)
    python = re.compile(source.replace("$", r"\Z"), re.ASCII)
    texts = ["".join(rng.choices('abcdxyzq"\\ \n1.-@éA]', k=rng.randint(0, 6))) for _ in range(300)]
    texts += [json.loads(sampled(expression, rng)) for _ in range(30)]
    found = [bool(python.search(text)) for text in texts]
    assert found == [accepts(expression, json.dumps(text, ensure_ascii=False)) for text in texts]
    assert all(found[-30:])


@pytest.mark.parametrize(
    "source",
    [
        *("(", ")", "[a", "a{2", "a{x}", "*a", "a**", "(a*)*", "a$b", "a^", r"\b", "(?=a)"),
        *("[z-a]", r"\u12", "\\", "a{9999}", r"(\1)", r"[\d-x]", r"[\w-z]", r"[a-\s]"),
    ],
)
def test_patterns_that_cannot_be_kept_are_refused(source: str) -> None:
    with pytest.raises(UsageError, match="cannot be kept by a form"):
        pattern(source)
