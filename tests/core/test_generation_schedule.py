"""The generation schedule, carried out by a simulated engine with the least of everything."""

from __future__ import annotations

import numpy as np
import pytest
from generation_twin import Engine, Outcome, Sample, order_of, prefixes
from hypothesis import given, settings
from hypothesis import strategies as st

from fastscore import _core

# Few different tokens, so that prompts share beginnings of every length, equal each other, and are
# beginnings of each other.
_prompts = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=12), min_size=1, max_size=12)
_lengths = st.tuples(st.integers(1, 6), st.integers(1, 8))  # max_tokens, end by itself


@st.composite
def _work(draw: st.DrawFn) -> tuple[list[list[int]], list[Sample]]:
    prompts = draw(_prompts)
    samples = draw(st.lists(st.tuples(st.integers(0, len(prompts) - 1), _lengths), max_size=30))
    return prompts, [(prompt, most, ends) for prompt, (most, ends) in samples]


def _run(
    prompts: list[list[int]],
    samples: list[Sample],
    sharing: str,
    *,
    spare: int = 0,
    n_batch: int = 64,
    n_running: int = 4,
    n_ready: int = 2,
    n_checkpoints: int = 0,
    window: int = 3,
) -> Outcome:
    order = order_of(prompts, samples)
    n_cells = order.least_cells + spare
    n_batch = max(n_batch, n_running)
    schedule = _core.GenerationSchedule(
        order,
        n_batch=n_batch,
        n_cells=n_cells,
        n_running=n_running,
        n_ready=n_ready,
        n_checkpoints=n_checkpoints,
        sharing=sharing,
    )
    outcome = Engine(prompts, samples, sharing=sharing, window=window).run(schedule)
    assert outcome.drawn == [min(most, ends) for _, most, ends in samples]
    assert outcome.most_tokens <= n_batch
    assert outcome.most_cells <= n_cells
    assert outcome.most_sequence < schedule.n_sequences
    assert outcome.most_running <= n_running
    assert set(outcome.prompt_histories) == prefixes(prompts, samples)
    outcome.n_minimal = order.n_tokens
    assert order.n_tokens == len(prefixes(prompts, samples))
    assert outcome.n_prompt_tokens == len(outcome.prompt_histories)
    assert outcome.n_prompt_tokens == order.n_tokens + outcome.n_repeated
    return outcome


@settings(max_examples=500, deadline=None)
@given(
    _work(),
    st.integers(0, 25),
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 6),
)
def test_attention_decodes_each_prompt_token_once_within_all_budgets(
    work: tuple[list[list[int]], list[Sample]],
    spare: int,
    n_batch: int,
    n_running: int,
    n_ready: int,
    window: int,
) -> None:
    outcome = _run(
        *work,
        "prefix",
        spare=spare,
        n_batch=n_batch,
        n_running=n_running,
        n_ready=n_ready,
        window=window,
    )
    assert outcome.n_repeated == 0


@settings(max_examples=500, deadline=None)
@given(
    _work(),
    st.integers(0, 25),
    st.integers(1, 20),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 3),
)
def test_states_are_copied_only_whole_and_repeats_are_counted(
    work: tuple[list[list[int]], list[Sample]],
    spare: int,
    n_batch: int,
    n_running: int,
    n_ready: int,
    n_checkpoints: int,
) -> None:
    _run(
        *work,
        "state",
        spare=spare,
        n_batch=n_batch,
        n_running=n_running,
        n_ready=n_ready,
        n_checkpoints=n_checkpoints,
        window=100,
    )


@settings(max_examples=200, deadline=None)
@given(_work())
def test_states_repeat_nothing_with_checkpoints_enough(
    work: tuple[list[list[int]], list[Sample]],
) -> None:
    outcome = _run(*work, "state", spare=500, n_checkpoints=12, window=100)
    assert outcome.n_repeated == 0


@settings(max_examples=200, deadline=None)
@given(_work(), st.integers(1, 6), st.integers(1, 6))
def test_cells_for_is_room_for_all_that_can_run(
    work: tuple[list[list[int]], list[Sample]], n_running: int, n_ready: int
) -> None:
    """With so many cells a run takes as many steps as with any number of them."""
    order = order_of(*work)
    budget = {"n_running": n_running, "n_ready": n_ready}
    enough = order.cells_for(n_running + n_ready + 1, n_running)
    assert enough >= order.least_cells
    sized = _run(*work, "prefix", spare=enough - order.least_cells, **budget)
    boundless = _run(*work, "prefix", spare=100_000, **budget)
    assert sized.steps == boundless.steps


def test_the_samples_of_a_prompt_run_at_once_and_make_room_at_once() -> None:
    header = list(range(100, 150))
    prompts = [[*header, i] for i in range(4)]
    samples = [(i, 10, 10) for i in range(4) for _ in range(5)]
    outcome = _run(prompts, samples, "prefix", spare=10_000, n_running=8, n_ready=4)
    assert outcome.n_prompt_tokens == 54
    assert outcome.most_running == 8
    # 20 samples of 10 tokens, 8 at a time, the first token of each with no step of its own: one
    # step that prefills, then 9 for each wave of samples.
    assert outcome.steps == 1 + 9 * 3


def test_a_sample_that_ends_makes_room_in_the_same_step() -> None:
    samples = [(0, 1, 1)] * 50
    outcome = _run([[1, 2, 3]], samples, "prefix", n_running=1, n_ready=1)
    assert outcome.steps == 1
    assert outcome.drawn == [1] * 50


def test_short_prompts_are_prefilled_together() -> None:
    prompts = [[i, i + 1] for i in range(20)]
    samples = [(i, 2, 2) for i in range(20)]
    outcome = _run(prompts, samples, "prefix", spare=500, n_batch=64, n_running=20, n_ready=20)
    assert outcome.steps == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"n_cells": 4}, "n_cells is 4; the schedule needs at least 5"),
        ({"n_batch": 1}, "n_batch is 1; the schedule needs at least 2"),
        ({"n_running": 0}, "n_running is 0"),
        ({"n_ready": 0}, "n_ready is 0"),
        ({"n_checkpoints": -1}, "n_checkpoints is -1"),
        ({"sharing": "none"}, "sharing is 'prefix' or 'state'"),
    ],
)
def test_budgets_that_hold_no_sample_are_refused(changed: dict[str, object], said: str) -> None:
    order = order_of([[1, 2, 3]], [(0, 3, 3)])
    budget: dict[str, object] = {
        "n_batch": 8,
        "n_cells": 5,
        "n_running": 2,
        "n_ready": 1,
        "n_checkpoints": 0,
        "sharing": "prefix",
    }
    _core.GenerationSchedule(order, **budget)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said):
        _core.GenerationSchedule(order, **(budget | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prompts", "samples", "said"),
    [
        ([[1], []], [(1, 1, 1)], "prompt 1 has no token"),
        ([[1]], [(0, 0, 1)], "max_tokens is 0"),
        ([[1]], [(1, 1, 1)], "there is no prompt 1"),
        ([[1]], [(-1, 1, 1)], "there is no prompt -1"),
    ],
)
def test_samples_of_nothing_are_refused(
    prompts: list[list[int]], samples: list[Sample], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        order_of(prompts, samples)


def test_offsets_beyond_the_ids_are_refused() -> None:
    ids, one = np.zeros(3, dtype=np.int32), np.zeros(1, dtype=np.int32)
    for offsets in ([0, 4], [2, 1], [-1, 2]):
        with pytest.raises(ValueError, match="offsets"):
            _core.PromptOrder(ids, np.asarray(offsets, dtype=np.int64), one, one + 1)


def test_ending_what_does_not_run_is_refused() -> None:
    order = order_of([[1, 2, 3]], [(0, 3, 3)])
    schedule = _core.GenerationSchedule(
        order,
        n_batch=8,
        n_cells=5,
        n_running=2,
        n_ready=1,
        n_checkpoints=0,
        sharing="prefix",
    )
    with pytest.raises(ValueError, match="sequence 2 runs no sample"):
        schedule.ended(2)
