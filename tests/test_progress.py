from __future__ import annotations

import pytest

from fastscore.progress import Meter, describe, share_of, spoken_duration


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_total_is_learnt_from_the_run() -> None:
    meter = Meter({"a": 1000, "b": 3000}, clock=Clock())
    assert meter.now().tokens_total == 1000  # a quarter of 4000 characters, for want of better
    meter.plan("a", 1000, 500, all_new=True)
    assert meter.now().tokens_total == 500 + 1500  # b at a's half a token a character
    meter.plan("b", 3000, 1200, all_new=True)
    assert meter.now().tokens_total == 1700


def test_what_was_in_the_store_says_nothing_about_other_text() -> None:
    meter = Meter({"a": 1000, "b": 1000}, clock=Clock())
    meter.plan("a", 1000, 10, all_new=False)
    assert meter.now().tokens_total == 10 + 250


def test_the_end_is_foreseen_from_the_speed() -> None:
    clock = Clock()
    meter = Meter({"a": 4000}, clock=clock)
    meter.plan("a", 4000, 1000, all_new=True)
    meter.start()
    clock.now += 1
    meter.advance(100)
    assert meter.now().tokens_per_second is None  # too early to tell
    assert meter.now().seconds_left is None
    clock.now += 4
    meter.advance(500)
    assert meter.now().tokens_per_second == 100
    assert meter.now().seconds_left == 5


def test_a_remembered_speed_holds_until_there_is_a_measured_one() -> None:
    clock = Clock()
    meter = Meter({"a": 4000}, expected_speed=50, clock=clock)
    assert meter.now().seconds_left == 20
    meter.plan("a", 4000, 1000, all_new=True)
    meter.start()
    clock.now += 10
    meter.advance(1000)
    assert meter.now().tokens_per_second == 100
    assert meter.measured_speed == 100


def test_only_the_engines_time_counts() -> None:
    clock = Clock()
    meter = Meter({"a": 400, "b": 400}, clock=clock)
    for task in ("a", "b"):
        clock.now += 60  # reading files, tokenising
        meter.plan(task, 400, 100, all_new=True)
        meter.start()
        clock.now += 10
        meter.advance(100)
        meter.stop()
    assert meter.now().tokens_done == 200
    assert meter.measured_speed == 10
    assert meter.now().seconds_left == 0


def test_the_total_is_never_below_what_is_done() -> None:
    meter = Meter({"a": 4}, clock=Clock())
    meter.start()
    meter.advance(70)
    assert meter.now().tokens_total == 70


def test_several_chunks_of_one_task() -> None:
    meter = Meter({"a": 1000}, clock=Clock())
    meter.plan("a", 600, 300, all_new=True)
    assert meter.now().tokens_total == 300 + 200
    meter.plan("a", 600, 100, all_new=True)  # chunks share less than the whole task does
    assert meter.now().tokens_total == 400


def test_in_one_line() -> None:
    clock = Clock()
    meter = Meter({"a": 4000, "b": 0}, expected_speed=10, clock=clock)
    assert describe(meter.now()) == "a (1/2): 0 of 1,000 tokens, 10 tokens/s, 2 min left"
    assert describe(Meter({"a": 4000}, clock=clock).now()) == "a: 0 of 1,000 tokens"


@pytest.mark.parametrize(
    ("seconds", "spoken"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7260, "2 h 01 min")],
)
def test_durations(seconds: float, spoken: str) -> None:
    assert spoken_duration(seconds) == spoken


def writing(clock: Clock, n: int = 10, most: int = 100) -> Meter:
    meter = Meter({"a": 400}, clock=clock, texts={"a": (n, most)})
    meter.plan("a", 400, 80, all_new=True)
    meter.start()
    return meter


def test_texts_are_as_long_as_they_may_be_until_one_has_ended() -> None:
    clock = Clock()
    meter = writing(clock)
    meter.advance_writing(80, 40, 2.0, 4.0)
    now = meter.now()
    assert now.tokens_done == 120
    assert now.tokens_total == 120 + 10 * 100
    assert now.tokens_per_second == 10
    assert now.seconds_left == 1000 / 10
    assert now.left_at_most
    assert describe(now) == "a: 0 of 10 samples, 120 tokens, 10 tokens/s, at most 2 min left"


def test_no_speed_is_told_while_only_prompts_were_read() -> None:
    meter = writing(Clock())
    meter.advance_writing(40, 0, 5.0, 0.001)
    assert describe(meter.now()) == "a: 0 of 10 samples, 40 tokens"


def test_the_length_of_texts_is_learnt_from_all_of_them() -> None:
    meter = writing(Clock())
    meter.advance_writing(80, 60, 2.0, 6.0)
    meter.end_texts(2)  # two have ended, the others under way hold tokens too
    now = meter.now()
    assert now.samples_done == 2
    assert now.tokens_total == 140 + 8 * 30
    assert now.seconds_left == 8 * 30 / 10
    assert not now.left_at_most
    meter.advance_writing(80, 900, 2.0, 90.0)
    assert meter.now().tokens_total == 980 + 8 * 100  # never longer than they may be


def test_texts_of_the_store_tell_their_length_and_take_no_time() -> None:
    meter = writing(Clock())
    meter.end_texts(5, stored_tokens=100)
    meter.advance_writing(80, 20, 1.0, 2.0)
    meter.end_texts(1)
    now = meter.now()
    assert (now.samples_done, now.samples_total) == (6, 10)
    assert now.tokens_done == 100
    assert now.tokens_total == 100 + 4 * 20


def test_a_quick_prefill_does_not_hide_the_end() -> None:
    meter = writing(Clock())
    meter.advance_writing(40, 40, 0.1, 4.0)
    meter.end_texts(4)
    assert meter.now().seconds_left == pytest.approx(40 / 400 + 6 * 10 / 10)


def test_tasks_of_both_kinds() -> None:
    clock = Clock()
    meter = Meter({"qa": 400, "code": 400}, clock=clock, texts={"code": (4, 50)})
    meter.plan("qa", 400, 100, all_new=True)
    meter.start()
    clock.now += 10
    meter.advance(100)
    meter.stop()
    assert meter.measured_speed == 10
    now = meter.now()
    assert now.samples_total == 0  # the task under way has none
    assert now.tokens_total == 100 + 100 + 4 * 50
    assert now.seconds_left is None  # nobody knows how fast texts are written
    meter.plan("code", 400, 60, all_new=True)
    meter.start()
    meter.advance_writing(60, 20, 6.0, 4.0)
    meter.end_texts(4)
    meter.stop()
    now = meter.now()
    assert (now.tokens_done, now.tokens_total) == (180, 180)
    assert meter.tokens_read == 160
    assert meter.measured_speed == 10
    assert now.seconds_left == 0


def test_programs_are_counted_while_they_run() -> None:
    clock = Clock()
    meter = writing(clock, n=4)
    meter.advance_writing(80, 40, 2.0, 4.0)
    meter.end_texts(4)
    meter.stop()
    meter.start_programs(4)
    assert meter.now().seconds_left is None
    clock.now += 6
    meter.advance_programs(3)
    now = meter.now()
    assert describe(now) == "a: 3 of 4 programs run, 2 s left"
    assert share_of(now) == (3, 4)
    assert share_of(writing(clock).now()) == (0, 1080)
