"""Which tests are run within the time there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.profiling.planning import Pace, Request, plan
from fastscore.profiling.workload import Workload

PP, TG = Workload(512, 0), Workload(0, 128)
DEEP, MANY = Workload(0, 128, 1024), Workload(0, 128, n_parallel=4)
USUAL = Request(
    (PP, TG), (DEEP, MANY), sizes_chosen=False, repetitions=None, seconds=60.0, first_token=512
)


def test_a_quick_model_gets_everything_as_often_as_llama_bench() -> None:
    chosen = plan(USUAL, Pace(1e-4, 1e-3))
    assert chosen.tests == (PP, TG, DEEP, MANY)
    assert chosen.repetitions == 5
    assert chosen.skipped == ()


def test_the_estimate_counts_every_token() -> None:
    read, write = 1.0, 10.0
    request = replace(USUAL, seconds=None, repetitions=2)
    first = 2 * 512 * read
    pp = (2 + 1) * 512 * read
    tg = (2 * 128 + 1) * write
    deep = 1024 * read + (2 * 128 + 1) * write
    many = (2 * 128 + 1) * (write + 3 * read)
    assert plan(request, Pace(read, write)).seconds == pytest.approx(first + pp + tg + deep + many)


def test_one_depth_is_read_once() -> None:
    depth = replace(USUAL, tests=(replace(PP, n_depth=1000), replace(TG, n_depth=1000)), extra=())
    flat = replace(USUAL, extra=())
    pace = Pace(0.001, 0.001)
    assert plan(depth, pace).seconds - plan(flat, pace).seconds == pytest.approx(1.0)


def test_extra_tests_give_way_first_and_each_is_named() -> None:
    # About 44 s for the two that matter, then 17 s or 16 s for one of the others.
    chosen = plan(replace(USUAL, extra=(MANY, DEEP), seconds=60.5), Pace(0.011, 0.012))
    assert chosen.repetitions == 3
    assert chosen.tests == (PP, TG, DEEP)  # what fits is run, though an earlier one did not
    assert [(skip.name, skip.reason) for skip in chosen.skipped] == [
        ("4 x tg128", "it would not fit into 60 s")
    ]


def test_then_sizes_shrink_and_that_is_said() -> None:
    chosen = plan(USUAL, Pace(0.02, 0.08))
    assert chosen.tests == (Workload(256, 0), Workload(0, 64))
    assert chosen.first_token == 256
    assert chosen.skipped[0].reason == "it would not fit into 60 s, so pp256 was run"


def test_the_slowest_models_are_measured_once() -> None:
    chosen = plan(USUAL, Pace(10.0, 100.0))
    assert chosen.tests == (Workload(32, 0), Workload(0, 8))
    assert chosen.repetitions == 1
    assert chosen.seconds > 60


@pytest.mark.parametrize("repetitions", [None, 4])
def test_what_was_asked_for_is_run_in_full(repetitions: int | None) -> None:
    asked = replace(USUAL, extra=(), sizes_chosen=True, repetitions=repetitions)
    chosen = plan(asked, Pace(1.0, 10.0))
    assert chosen.tests == (PP, TG)
    assert chosen.repetitions == (repetitions or 1)
    assert chosen.skipped == ()


def test_without_a_limit_nothing_gives_way() -> None:
    chosen = plan(replace(USUAL, seconds=None), Pace(10.0, 100.0))
    assert chosen.tests == (PP, TG, DEEP, MANY)
    assert chosen.repetitions == 5


@given(
    read=st.floats(1e-6, 100),
    slower=st.floats(1, 100),
    seconds=st.floats(1, 1e4),
    repetitions=st.none() | st.integers(1, 10),
)
def test_the_limit_is_kept_but_for_the_least_there_is(
    read: float, slower: float, seconds: float, repetitions: int | None
) -> None:
    pace = Pace(read, read * slower)
    chosen = plan(replace(USUAL, seconds=seconds, repetitions=repetitions), pace)
    least = chosen.tests == (Workload(32, 0), Workload(0, 8)) and (
        chosen.repetitions == (repetitions or 1)
    )
    assert chosen.seconds <= seconds or least
    if repetitions is not None:
        assert chosen.repetitions == repetitions
