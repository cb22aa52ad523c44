"""Models scored side by side until each comparison is decided, and runs that stopped early."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import capitals, score
from fastscore import Comparison, GenerationTask, OpenQuestion, Results, UsageError, compare
from fastscore.comparison.build import compare_results
from fastscore.comparison.deciding import Side, check_options, decide
from fastscore.comparison.early import Drawn, verdict_of
from fastscore.comparison.values import Contender, Difference
from fastscore.errors import DecodeError

N = 1000
Right = list[bool]


def question(row: Any) -> OpenQuestion:
    return OpenQuestion(row["q"], row["a"], row["a"])


TASK = GenerationTask("texts", question, max_tokens=9)
ROWS = [{"q": f"Question {i}:", "a": f"answer {i}"} for i in range(N)]


def answers(share: float, seed: int = 1) -> Right:
    chosen = random.Random(seed)
    return [chosen.random() < share for _ in range(N)]


def changed(right: Right, *, lost: int = 0, gained: int = 0) -> Right:
    """Turn so many right answers into wrong ones, and wrong ones into right ones."""
    order = random.Random(2).sample(range(N), N)
    flips = [i for i in order if right[i]][:lost] + [i for i in order if not right[i]][:gained]
    return [one != (i in set(flips)) for i, one in enumerate(right)]


class Player:
    """A model that gives the right answers it is told to."""

    def __init__(self, label: str, right: Right) -> None:
        def write(prompt: str, number: int) -> str:
            i = int(prompt.split()[1].rstrip(":"))
            return f"answer {i}" if right[i] else "something else"

        self.model = FakeModel(write=write, fingerprint=label)
        self.side = Side(label, self.score)

    def score(self, rule: Any, **options: Any) -> Results:
        return score(self.model, TASK, rows={"texts": ROWS}, until=rule, **options)


def decided(*players: Player, margin: float = 0.05) -> tuple[Comparison, list[Results]]:
    base, *candidates = (one.side for one in players)
    sides, failed = decide(base, candidates, margin=margin, notify=pytest.fail)
    assert not failed
    return compare_results(sides[0], sides[1:], margin=margin), [one.results for one in sides]


def only(comparison: Comparison, label: str) -> Difference:
    return comparison[label]["texts"]


def test_a_large_difference_is_seen_soon() -> None:
    base = answers(0.6)
    worse = changed(base, lost=200, gained=20)
    players = Player("base", base), Player("worse", worse)
    comparison, results = decided(*players)
    one = only(comparison, "worse")
    assert one.verdict == "worse"
    assert one.n < N / 4
    assert one.n_total == N
    low, high = one.ci95
    assert low <= (sum(worse) - sum(base)) / N <= high < 0
    assert math.isnan(one.p_value)
    assert math.isnan(one.p_holm)
    assert one.reason is not None
    assert f"{one.n} of 1,000 items in random order" in one.reason
    assert [player.model.n_written for player in players] == [one.n, one.n]
    assert [result["texts"].stopping.rule for result in results] == ["decided"] * 2  # type: ignore[union-attr]


def test_the_same_answers_are_equivalent_before_the_end() -> None:
    base = answers(0.6)
    other = changed(base, lost=3, gained=3)
    one = only(decided(Player("base", base), Player("same", other))[0], "same")
    assert one.verdict == "equivalent"
    assert one.n < N / 2
    assert max(map(abs, one.ci95)) < 0.05
    assert one.spoken == "equivalent within 0.05"


def test_what_is_not_decided_is_scored_in_full() -> None:
    base = answers(0.5)
    # At the edge of the margin, and of being a difference: only all items could tell.
    other = changed(base, lost=75, gained=74)
    players = Player("base", base), Player("close", other)
    one = only(decided(*players, margin=0.0011)[0], "close")
    assert one.n == N
    assert one.n_total is None
    assert not math.isnan(one.p_value)
    assert one.verdict == "no difference found"


def test_each_candidate_goes_as_far_as_it_must_and_the_base_as_far_as_any() -> None:
    base = answers(0.6)
    players = [
        Player("base", base),
        Player("bad", changed(base, lost=250)),
        Player("fair", changed(base, lost=60, gained=20)),
    ]
    comparison, results = decided(*players, margin=0.01)
    bad, fair = only(comparison, "bad"), only(comparison, "fair")
    assert (bad.verdict, fair.verdict) == ("worse", "worse")
    assert bad.alpha == fair.alpha == 0.025
    assert bad.n < fair.n
    assert [one["texts"].n for one in results] == [fair.n, bad.n, fair.n]
    assert [player.model.n_written for player in players] == [fair.n, bad.n, fair.n]


@pytest.mark.parametrize("look", [0, 1])
def test_a_candidate_that_fails_takes_nothing_from_the_others(look: int) -> None:
    """And what is left is compared as if it had not been named: at the level of one comparison."""
    base = answers(0.6)
    fair = changed(base, lost=60, gained=20)

    def failing(rule: Any) -> Results:
        if rule.look >= look:
            raise DecodeError("no batch was decoded")
        return Player("broken", base).score(rule)

    told: list[str] = []
    good = [Player("base", base).side, Player("fair", fair).side]
    both = [Side("broken", failing), good[1]]
    sides, failed = decide(good[0], both, margin=0.01, notify=told.append)
    assert told == ["broken could not be scored: no batch was decoded"]
    assert [str(one) for one in failed.values()] == ["no batch was decoded"]
    assert [one.label for one in sides] == ["base", "fair"]
    found = only(compare_results(sides[0], sides[1:], margin=0.01), "fair")
    assert (found.verdict, found.alpha) == ("worse", 0.05)
    with pytest.raises(DecodeError):
        decide(Side("broken", failing), good, margin=0.01, notify=told.append)
    with pytest.raises(DecodeError):
        decide(good[0], both[:1], margin=0.01, notify=told.append)
    assert len(told) == 1


def test_wrong_claims_are_rare() -> None:
    """Without any difference over all items, at one look after another, in many random orders."""
    base = answers(0.5)
    other = changed(base, lost=60, gained=60)
    full = [Player(name, one).score(None) for name, one in (("base", base), ("other", other))]
    pairs = list(zip(*(one["texts"].samples for one in full), strict=True))  # type: ignore[union-attr]
    claims = 0
    for seed in range(300):
        order = random.Random(seed).sample(pairs, N)
        claims += any(
            verdict_of(Drawn(order[:n], N).interval("exact_match", 0.05), 0.001)
            != "no difference found"
            for n in (64, 128, 256, 512)
        )
    assert claims <= 24  # 15 on average at most; more than 24 with a chance of 1 %


def two(seed: int = 1234, **options: Any) -> list[Contender]:
    base = answers(0.6)
    sides = Player("base", base), Player("other", changed(base, lost=100))
    found = [
        sides[0].score("ci=0.08", **options),
        sides[1].score("ci=0.06", **{**options, "seed": seed}),
    ]
    return [Contender(player.side.label, one) for player, one in zip(sides, found, strict=True)]


def test_runs_that_stopped_by_themselves_are_compared_where_both_have_items() -> None:
    base, other = two()
    one = compare_results(base, [other], margin=0.01).candidates[0]["texts"]
    assert one.n == min(base.results["texts"].n, other.results["texts"].n)
    assert one.n_total == N
    assert math.isnan(one.p_value)
    assert one.ci95[0] <= -0.1 <= one.ci95[1]


def test_a_full_run_may_stand_beside_one_that_stopped() -> None:
    base = answers(0.6)
    full = Player("base", base).score(None)
    part = Player("other", changed(base, lost=200)).score("ci=0.08")
    found = compare_results(
        Contender("base", full), [Contender("other", part)], margin=0.01
    ).candidates[0]["texts"]
    assert (found.n, found.n_total) == (part["texts"].n, N)
    assert found.verdict == "worse"


def test_changes_of_log_likelihoods_have_no_interval_where_a_run_stopped() -> None:
    def ran(until: str | None) -> Difference:
        models = [FakeModel(fingerprint=name) for name in "ab"]
        options: dict[str, Any] = {"until": until, "rows": {"capitals": rows}, "progress": False}
        return compare(*models, tasks=[task], **options).candidates[0]["capitals"]

    task, rows = capitals(500)
    part, full = ran("ci=0.1"), ran(None)
    assert part.n < full.n
    for name in ("gold_change", "margin_change"):
        early, change = getattr(part, name), getattr(full, name)
        assert early.value == change.value == 0
        assert math.isnan(early.ci95[0])
        assert early.reason == (
            "the number of items was not chosen beforehand, and log-likelihoods have no bounds"
        )
        assert change.reason != early.reason


def test_other_random_orders_have_no_interval() -> None:
    base, other = two(seed=5)
    one = compare_results(base, [other], margin=0.01).candidates[0]["texts"]
    assert one.verdict == "undefined"
    assert math.isnan(one.ci95[0])
    assert one.reason is not None
    assert "different random orders" in one.reason


def test_a_gap_in_what_was_drawn_leaves_no_interval() -> None:
    base, other = two()
    task = other.results.tasks["texts"]
    first, *rest = task.samples
    holed = replace(task, samples=[replace(first, item="0" * 16), *rest])
    results = replace(other.results, tasks={"texts": holed})
    found = compare_results(base, [Contender("other", results)], margin=0.01)
    one = found.candidates[0]["texts"]
    assert one.verdict == "undefined"
    assert one.reason is not None
    assert "no random part of all" in one.reason


def test_a_decided_comparison_is_read_back_as_it_was(tmp_path: Path) -> None:
    base = answers(0.6)
    found, _ = decided(Player("base", base), Player("bad", changed(base, lost=250)))
    found.save(tmp_path)
    again = Comparison.load(tmp_path)
    assert again["bad"]["texts"].ci95 == found["bad"]["texts"].ci95
    assert again["bad"]["texts"].verdict == "worse"
    assert f"{found['bad']['texts'].n} of 1,000" in again.table()


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.001, 0.2), "better"),
        ((-0.2, -0.001), "worse"),
        ((-0.009, 0.009), "equivalent"),
        ((-0.01, 0.001), "no difference found"),
        ((0.0, 0.2), "no difference found"),
        ((0.001, 0.005), "better"),
        ((math.nan, math.nan), "undefined"),
    ],
)
def test_verdicts_follow_from_the_interval(interval: tuple[float, float], verdict: str) -> None:
    assert verdict_of(interval, 0.01) == verdict


def test_what_deciding_rules_out_is_said(tiny_model: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would begin anew at every look"):
        check_options({"resume": False})
    with pytest.raises(UsageError, match="mlflow, tracing cannot be used with until='decided'"):
        check_options({"mlflow": True, "tracing": 0.1, "observers": ()})
    base, other = two()
    base.results.save(tmp_path / "base")
    with pytest.raises(UsageError, match="scores models as far as needed"):
        compare(tiny_model("llama"), tmp_path / "base", tasks="mini_qa", until="decided")
    with pytest.raises(UsageError):
        compare(base.results, other.results, until="decided")


def test_models_are_compared_from_the_command_that_people_use(
    tiny_model: Callable[..., Path], tmp_path: Path
) -> None:
    found = compare(
        tiny_model("llama"),
        tiny_model("llama", seed=5),
        tasks="mini_qa",
        until="decided",
        margin=0.3,
        n_threads=1,
        progress=False,
        output=tmp_path,
    )
    (one,) = (d for d in found.candidates[0].differences if d.family)
    assert one.verdict in ("better", "worse", "equivalent", "no difference found")
    assert one.n == 36 or one.n_total == 36
    assert Comparison.load(tmp_path).candidates[0].differences == found.candidates[0].differences
