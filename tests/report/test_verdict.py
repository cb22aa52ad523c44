"""The sentences that a reader acts on, for each of the ways that a comparison can end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from fake_results import make_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Candidate, Contender, Difference
from fastscore.report.verdict import headline, remarks, sentences
from fastscore.results import MetricValue

NONE = MetricValue(math.nan, math.nan, (math.nan, math.nan), "not known")


def difference(task: str, verdict: str, value: float, half: float, *, within: bool) -> Difference:
    return Difference(
        task=task,
        metric="acc",
        n=1000,
        base=0.5,
        candidate=0.5 + value,
        difference=value,
        stderr=half / 1.96,
        ci95=(value - half, value + half),
        p_value=0.5,
        p_holm=0.5,
        margin=0.02,
        equivalence_p=0.001 if within else 0.5,
        equivalence_holm=0.001 if within else 0.5,
        n_gained=5,
        n_lost=5,
        verdict=verdict,  # type: ignore[arg-type]
        gold_change=NONE,
        margin_change=NONE,
        family=True,
    )


EQUAL = ("equivalent", 0.001, 0.005, True)
WORSE = ("worse", -0.06, 0.02, False)
BARELY = ("worse", -0.008, 0.005, True)
BETTER = ("better", 0.05, 0.02, False)
OPEN = ("no difference found", -0.01, 0.03, False)


def compared(**candidates: tuple[float, list[tuple[Any, ...]]]) -> Comparison:
    """Candidates by label: their size in MB, and what was found task by task."""

    def contender(label: str, megabytes: float) -> Contender:
        return Contender(label, make_results(label, {"a": 2}, megabytes=megabytes))

    found = []
    for label, (megabytes, outcomes) in candidates.items():
        rows = tuple(
            difference(f"task_{i}", one[0], one[1], one[2], within=one[3])
            for i, one in enumerate(outcomes)
        )
        found.append(Candidate(label, contender(label, megabytes).results, differences=rows))
    return Comparison(contender("base", 100), tuple(found), 0.02)


@pytest.mark.parametrize(
    ("comparison", "start"),
    [
        (compared(small=(60, [EQUAL, EQUAL])), "Ship small: as good as base within 2 points"),
        (
            compared(small=(60, [EQUAL]), smaller=(50, [EQUAL]), tiny=(30, [WORSE])),
            "Ship smaller: as good as base within 2 points and 50 % smaller",
        ),
        (compared(small=(60, [EQUAL, BARELY])), "Ship small: as good as base within 2 points"),
        (compared(small=(60, [BETTER])), "Ship small: better than base and 40 % smaller"),
        (compared(big=(150, [EQUAL])), "Keep base: big is as good, but not smaller"),
        (compared(big=(150, [BETTER])), "Ship big if quality counts most"),
        (compared(small=(60, [WORSE, EQUAL])), "Keep base: every other file is worse"),
        (compared(small=(60, [OPEN, EQUAL])), "Not decided: "),
        (compared(small=(60, [OPEN]), tiny=(30, [WORSE])), "Not decided: "),
    ],
)
def test_the_headline_says_which_file_to_ship(comparison: Comparison, start: str) -> None:
    assert headline(comparison).startswith(start)


def test_a_headline_says_how_sure_it_is() -> None:
    several = compared(a=(60, [EQUAL, EQUAL]), b=(50, [WORSE, EQUAL]))
    assert "95 % confidence over all 4 comparisons together" in headline(several)
    assert headline(compared(a=(60, [EQUAL]))).endswith("shown with 95 % confidence.")


def test_each_candidate_has_a_sentence() -> None:
    comparison = compared(
        same=(60, [EQUAL, EQUAL]),
        worse=(50, [EQUAL, WORSE]),
        unsure=(40, [OPEN, EQUAL]),
        better=(90, [BETTER]),
    )
    assert [(one.standing, one.sentence) for one in sentences(comparison)] == [
        ("equivalent", "same is as good as base, within 2 points on all 2 tasks."),
        ("worse", "worse is worse by 6 points on task_1 (95 % interval -8.0 to -4.0)."),
        (
            "open",
            (
                "unsure is as good within 2 points on task_1, and shows no difference on task_0, "
                "where -4.0 to +2.0 points are possible."
            ),
        ),
        ("better", "better is better by 5 points on task_0 (95 % interval +3.0 to +7.0)."),
    ]


def test_what_no_test_excluded_is_called_possible() -> None:
    """The interval of one row may lie beside 0 where the corrected test does not exclude it."""
    comparison = compared(a=(60, [("no difference found", -0.05, 0.03, False)]))
    (one,) = sentences(comparison)
    assert one.sentence == (
        "a shows no difference on task_0, where -8.0 to +0.0 points are possible."
    )
    difference = comparison["a"]["task_0"]
    assert difference.ci95[1] < 0
    assert difference.spoken == "no difference found; -0.080 to +0.000 are possible"
    assert any(note.startswith("An interval without 0 beside") for note in remarks(comparison))
    ordinary = compared(a=(60, [OPEN]), b=(60, [WORSE]))
    assert not any(note.startswith("An interval without 0") for note in remarks(ordinary))


def test_nothing_is_claimed_of_what_is_undefined() -> None:
    comparison = compared(a=(60, [("undefined", math.nan, math.nan, False)]))
    (one,) = sentences(comparison)
    assert one.standing == "open"
    assert one.sentence == "a has no score to compare."
    assert headline(comparison).startswith("Not decided")


def test_an_unknown_size_is_not_taken_for_a_small_one() -> None:
    comparison = compared(a=(60, [EQUAL]))
    base = comparison.base
    model = {**base.results.model}
    del model["file_bytes"]
    unknown = replace(comparison, base=Contender("base", replace(base.results, model=model)))
    assert headline(unknown) == "a is as good as base within 2 points, shown with 95 % confidence."
