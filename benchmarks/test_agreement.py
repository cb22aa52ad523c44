"""The rule for generated texts must not excuse what is no tie, nor blame the wrong token."""

from __future__ import annotations

import pytest

from benchmarks.agreement import Reference, Verdict, judge


def reference(*tokens: tuple[bytes | None, bytes | None, float], text: str) -> Reference:
    pieces, runner_up, gaps = zip(*tokens, strict=True)
    return Reference(text, pieces, runner_up, gaps)


PLAIN = reference((b"a", b"x", 1.0), (b"b", b"y", 0.01), (b"c", b"z", 2.0), text="abc")


def test_equal_texts_are_equal() -> None:
    assert judge(PLAIN, "abc", "length", ()) == Verdict("equal")


def test_a_tie_at_the_first_difference_excuses() -> None:
    assert judge(PLAIN, "ayz", "length", ()) == Verdict("excused", 1, 0.01)


@pytest.mark.parametrize(("text", "token", "gap"), [("xbc", 0, 1.0), ("abz", 2, 2.0), ("", 0, 1.0)])
def test_a_tie_elsewhere_does_not(text: str, token: int, gap: float) -> None:
    assert judge(PLAIN, text, "length", ()) == Verdict("different", token, gap)


def test_an_end_of_text_is_a_token_like_others() -> None:
    ended = reference((b"a", b"x", 1.0), (None, b"b", 0.02), text="a")
    assert judge(ended, "ab", "length", ()) == Verdict("excused", 1, 0.02)
    assert judge(PLAIN, "a", "eos", ()) == Verdict("excused", 1, 0.01)
    assert judge(PLAIN, "ab", "eos", ()) == Verdict("different", 2, 2.0)


def test_a_stop_text_that_was_cut_off_is_part_of_what_was_written() -> None:
    other = reference((b"a", b"x", 1.0), (b"\n", b"y", 3.0), (b"z", b"def", 0.01), text="a\nz")
    assert judge(other, "a", "stop", ("\ndef", "\nif")) == Verdict("excused", 2, 0.01)
    assert judge(other, "a", "eos", ("\ndef", "\nif")) == Verdict("different", 1, 3.0)


def test_tokens_may_part_before_their_letters_do() -> None:
    # Ours took "bc" for "b" at a tie and went on with "d".
    other = reference((b"a", b"x", 1.0), (b"b", b"bc", 0.01), (b"cx", b"y", 2.0), text="abcx")
    assert judge(other, "abcd", "length", ()) == Verdict("excused", 1, 0.01)


def test_a_tie_between_others_excuses_no_later_difference() -> None:
    other = reference((b"a", b"q", 0.01), (b"b", b"y", 1.0), text="ab")
    assert judge(other, "ac", "length", ()) == Verdict("different", 1, 1.0)


def test_more_text_than_the_other_had_room_for_is_a_difference() -> None:
    assert judge(PLAIN, "abcd", "length", ()).kind == "different"
