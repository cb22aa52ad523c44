"""A text is cut as llama-perplexity cuts it."""

from __future__ import annotations

import pytest

from fastscore.distance.windows import text_windows
from fastscore.errors import UsageError


def as_lists(windows: list) -> list[tuple[list[int], list[int]]]:
    return [(context.tolist(), continuation.tolist()) for context, continuation in windows]


def test_the_second_half_is_compared() -> None:
    windows = text_windows(range(100, 121), None, 8, None)
    assert as_lists(windows) == [
        ([100, 101, 102, 103, 104], [105, 106, 107]),
        ([108, 109, 110, 111, 112], [113, 114, 115]),
    ]


def test_bos_takes_the_place_of_each_windows_first_token() -> None:
    # The whole text begins with BOS, so the ids move by one.
    assert as_lists(text_windows(range(100, 116), 1, 8, None)) == [
        ([1, 100, 101, 102, 103], [104, 105, 106]),
        ([1, 108, 109, 110, 111], [112, 113, 114]),
    ]


@pytest.mark.parametrize(("n_ctx", "n_compared"), [(3, 1), (4, 1), (5, 2), (9, 4), (512, 255)])
def test_positions_of_a_window(n_ctx: int, n_compared: int) -> None:
    """n_ctx - 1 - n_ctx / 2, as the program counts them."""
    for context, continuation in text_windows(range(3 * n_ctx), None, n_ctx, None):
        assert len(continuation) == n_compared == n_ctx - 1 - n_ctx // 2
        assert len(context) + len(continuation) == n_ctx


@pytest.mark.parametrize(("wanted", "got"), [(None, 4), (1, 1), (3, 3), (4, 4), (9, 4)])
def test_at_most_so_many_windows(wanted: int | None, got: int) -> None:
    assert len(text_windows(range(39), 7, 10, wanted)) == got


def test_a_text_of_less_than_two_windows_is_refused() -> None:
    assert len(text_windows(range(20), None, 10, None)) == 2
    with pytest.raises(
        UsageError, match=r"the text has 19 tokens, .* need at least 20, two window"
    ):
        text_windows(range(19), None, 10, None)
    assert len(text_windows(range(19), 1, 10, None)) == 2  # BOS counts


@pytest.mark.parametrize(
    ("n_ctx", "max_windows", "message"),
    [
        (2, None, "n_ctx is 2; a window has at least 3"),
        (-5, None, "n_ctx is -5"),
        (8, 0, "max_chunks is 0; at least 1"),
    ],
)
def test_impossible_sizes(n_ctx: int, max_windows: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        text_windows(range(100), None, n_ctx, max_windows)
