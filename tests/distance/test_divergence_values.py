"""A divergence as plain values and as text."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from fastscore.distance.figures import TokenValues, figures
from fastscore.distance.values import Divergence
from fastscore.errors import ResultsError


def a_divergence(**changes: Any) -> Divergence:
    random = np.random.default_rng(1)
    base = -random.exponential(2, 300)
    candidate = np.minimum(base - 0.1, 0)
    computed: dict[str, Any] = figures(
        TokenValues(random.exponential(0.1, 300), base, candidate, random.uniform(size=300) < 0.9)
    )
    made = Divergence(
        base="base.gguf",
        candidate="Q2_K.gguf",
        source="text.txt",
        positions="second half of each window",
        n=300,
        n_ctx=64,
        n_texts=10,
        n_truncated=0,
        tokens_decoded=640,
        seconds={"plan": 0.1, "base": 2.0, "candidate": 1.0, "compare": 0.2},
        notes=("A note.",),
        **computed,
    )
    return replace(made, **changes)


def unruly() -> Divergence:
    """One with infinities and what follows from them."""
    values = np.array([0.5, math.inf, 0.1])
    logprobs = np.array([-1.0, -2.0, -3.0])
    candidate = np.array([-1.5, -math.inf, -3.0])
    computed: dict[str, Any] = figures(
        TokenValues(values, logprobs, candidate, np.array([True, False, True]))
    )
    return a_divergence(n=3, n_ctx=None, positions="continuations", n_truncated=1, **computed)


@pytest.mark.parametrize("made", [a_divergence(), unruly()])
def test_there_and_back(made: Divergence) -> None:
    text = json.dumps(made.to_dict(), allow_nan=False)
    read = Divergence.from_dict(json.loads(text))
    assert json.dumps(read.to_dict(), allow_nan=False) == text
    assert [one.name for one in fields(read)] == list(json.loads(text))
    assert read.kld == made.kld or math.isnan(made.kld.stderr)
    assert read.kld.reason == made.kld.reason


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("kld", 3, "'kld' of a divergence cannot be read"),
        ("kld", {"value": 1.0}, "'kld' .* \\('stderr'\\)"),
        ("kld", {"value": True, "stderr": 1.0}, "not a number"),
        ("n", -1, "not a count"),
        ("n", True, "not a count"),
        ("base", None, "not a text"),
        ("positions", "all", "not one of second half of each window, continuations"),
        ("kld_quantiles", [1], "'kld_quantiles'"),
        ("notes", "a note", r"'notes' .*not a list"),
        ("seconds", {"base": 10**400}, "'seconds'"),
    ],
)
def test_what_is_no_divergence_is_refused(path: str, value: Any, message: str) -> None:
    content = a_divergence().to_dict()
    content[path] = value
    with pytest.raises(ResultsError, match=message):
        Divergence.from_dict(content)
    del content[path]
    with pytest.raises(ResultsError, match=f"a divergence has no '{path}'"):
        Divergence.from_dict(content)


def test_only_objects_are_read() -> None:
    with pytest.raises(ResultsError, match="a divergence is an object, not list"):
        Divergence.from_dict([])


def test_as_text() -> None:
    text = str(a_divergence())
    assert text.startswith("Distance of Q2_K.gguf from base.gguf\n  text.txt, 10 windows of 64 tok")
    assert "300 positions" in text
    assert max(map(len, text.splitlines())) <= 115
    for name in ("PPL, base", "KL divergence, mean", "RMS", "same most probable token"):
        assert name in text
    assert text.count("±") == 9  # all but the correlation
    assert "A note." in text
    assert "nan" not in text


def test_what_is_undefined_is_said() -> None:
    text = str(unruly())
    assert "inf" in text
    assert "undefined" in text
    assert "nan" not in text
    assert "Undefined: a right token has no probability at all under the candidate." in text
    assert "1 text lost tokens from the left to fit." in text
