from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fastscore.evaluation.preparation import characters, chunks, distinct_characters
from fastscore.types import Item


def item(contexts: tuple[str, ...], *choices: str) -> Item:
    return Item(0, contexts, choices, choices, (0,))


def test_shared_text_counts_once() -> None:
    items = [item(("header one",), " a", " b"), item(("header two",), " a", " b")]
    assert distinct_characters(items) == len("header one") + len("two") + 4 * len(" a")


def test_a_context_per_choice() -> None:
    assert distinct_characters([item(("the cat", "the dog"), " ran", " ran")]) == 7 + 3 + 8


@given(st.lists(st.tuples(st.text("ab", max_size=6), st.text("xy", max_size=3)), max_size=12))
def test_distinct_characters_agree_with_a_plain_loop(texts: list[tuple[str, str]]) -> None:
    items = [item((context,), choice) for context, choice in texts]
    total, before = 0, ""
    for context, choice in texts:
        same = 0
        while same < min(len(before), len(context)) and before[same] == context[same]:
            same += 1
        total += len(context) - same + len(choice)
        before = context
    assert distinct_characters(items) == total


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 50))
def test_chunks_are_the_items_in_order_and_small(sizes: list[int], limit: int) -> None:
    items = [item(("c" * size,), "x") for size in sizes]
    cut = list(chunks(items, limit))
    assert [one for chunk in cut for one in chunk] == items
    for chunk in cut:
        assert len(chunk) > 0
        # Without its last item a chunk is below the limit: it is closed as soon as it is full.
        assert sum(map(characters, chunk[:-1])) < limit
