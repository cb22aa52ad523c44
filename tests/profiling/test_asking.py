"""From options to tests, as llama-bench combines them."""

from __future__ import annotations

from typing import Any

import pytest

from fastscore.errors import UsageError
from fastscore.profiling.asking import ask, check_engine
from fastscore.profiling.planning import Request

DEFAULTS: dict[str, Any] = {
    "n_prompt": None,
    "n_gen": None,
    "n_depth": None,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_parallel": None,
    "repetitions": None,
    "quick": False,
    "seconds": 60.0,
}


def _ask(**given: Any) -> Request:
    return ask(**DEFAULTS | given)


def _names(request: Request) -> list[str]:
    return [test.name for test in request.tests]


def test_the_default_is_llama_benchs_and_something_extra() -> None:
    request = _ask()
    assert _names(request) == ["pp512", "tg128"]
    assert [(t.n_batch, t.n_ubatch) for t in request.tests] == [(2048, 512)] * 2
    assert [t.name for t in request.extra] == ["tg128 @ d1024", "4 x tg128", "pp512 @ d1024"]
    assert (request.sizes_chosen, request.first_token) == (False, 512)


def test_quick() -> None:
    request = _ask(quick=True)
    assert _names(request) == ["pp128", "tg32"]
    assert (request.extra, request.repetitions) == ((), 3)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"n_prompt": 64}, ["pp64", "tg128"]),
        ({"n_prompt": 0, "n_gen": [8, 16]}, ["tg8", "tg16"]),
        ({"n_gen": 0}, ["pp512"]),
        ({"n_depth": [0, 10]}, ["pp512", "tg128", "pp512 @ d10", "tg128 @ d10"]),
        ({"n_prompt": 0, "n_parallel": (1, 3)}, ["tg128", "3 x tg128"]),
        ({"n_prompt": [5, 5], "n_gen": 0}, ["pp5"]),
    ],
)
def test_what_is_asked_for_is_all(given: dict[str, Any], names: list[str]) -> None:
    request = _ask(**given)
    assert _names(request) == names
    assert request.extra == ()
    assert request.sizes_chosen


def test_batches_concern_reading_alone() -> None:
    request = _ask(n_batch=[2048, 64], n_ubatch=[64, 32])
    found = [(t.name, t.n_batch, t.n_ubatch) for t in request.tests]
    assert found == [
        ("pp512", 2048, 64),
        ("pp512", 2048, 32),
        ("pp512", 64, 64),
        ("pp512", 64, 32),
        ("tg128", 2048, 64),
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_prompt": -1}, r"n_prompt is -1; choose whole numbers from 0 to"),
        ({"n_prompt": []}, "n_prompt is empty"),
        ({"n_prompt": 0, "n_gen": 0}, "both 0, so there is nothing to measure"),
        ({"n_batch": 0}, "n_batch is 0"),
        ({"n_depth": [2**31]}, "n_depth is 2147483648"),
        ({"n_gen": 1.5}, "n_gen"),
        ({"n_parallel": 257}, "n_parallel is 257; choose whole numbers from 1 to 256"),
        ({"n_parallel": 64, "n_ubatch": 32}, "64 sequences need as many tokens a batch"),
        ({"repetitions": 0}, "repetitions is 0"),
        ({"repetitions": True}, "repetitions is True"),
        ({"seconds": 0.0}, "seconds is 0"),
        ({"seconds": float("nan")}, "seconds is nan"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _ask(**given)


def test_threads_and_flash_attention() -> None:
    check_engine(1, -1, "on")
    with pytest.raises(UsageError, match="n_threads is 0"):
        check_engine(0, -1, "auto")
    with pytest.raises(UsageError, match="n_threads is 1025; choose whole numbers from 1 to 1,024"):
        check_engine(1025, -1, "auto")
    with pytest.raises(UsageError, match="n_gpu_layers is 99999999999; it is a number of layers"):
        check_engine(1, 99999999999, "auto")
    with pytest.raises(UsageError, match="choose 'auto', 'on' or 'off'"):
        check_engine(1, -1, "yes")
