"""A comparison as people read it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.rows import interval, p_value, signed
from fastscore.comparison.values import Contender

TASKS = {"arc_easy": 900, "a_task_with_a_rather_long_name": 700}


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    base = make_results("Q4_1", TASKS)
    good = make_results("Q8_0", TASKS, noise=0.3001)
    bad = make_results("Q2_K", TASKS, seed=2, skill=0.4)
    return compare_results(
        Contender("native", base),
        [Contender("SmolLM2-135M-Instruct.Q8_0", good), Contender("Q2_K", bad)],
        margin=0.02,
    )


def test_what_was_found_comes_first(comparison: Comparison) -> None:
    lines = comparison.table().splitlines()
    assert lines[0] == (
        "SmolLM2-135M-Instruct.Q8_0: equivalent within 0.02 on arc_easy, "
        "a_task_with_a_rather_long_name."
    )
    assert lines[1].startswith("Q2_K: worse on arc_easy")
    assert str(comparison) == repr(comparison) == comparison.table()


def test_numbers_are_those_of_the_differences(comparison: Comparison) -> None:
    text = comparison.table()
    for candidate in comparison:
        for task in TASKS:
            one = candidate[task]
            row = f"{one.candidate:.4f}  {signed(one.difference):>10}  {interval(one.ci95)}"
            assert row in text
    assert f"arc_easy, acc_norm: native {comparison['Q2_K']['arc_easy'].base:.4f} on 900" in text


@pytest.mark.parametrize("width", [60, 80, 100, 140, 300])
def test_numbers_are_whole_at_every_width(comparison: Comparison, width: int) -> None:
    text = comparison.table(width=width)
    for candidate in comparison:
        one = candidate["arc_easy"]
        assert interval(one.ci95) in text
        assert p_value(one.p_holm) in text
    assert "equivalent within 0.02" in text
    if width >= 80:
        assert all(cell_len(line) <= width for line in text.splitlines())


def test_changes_of_log_likelihoods_are_shown(comparison: Comparison) -> None:
    one = comparison["Q2_K"]["arc_easy"]
    cells = (one.gold_change.value, one.margin_change.value)
    assert one.gold_change.value < -0.5
    for text in (comparison.table(), comparison.table(verbose=True)):
        assert text.count("right answer's log-likelihood") == 1
        for value in cells:
            assert text.count(f"  {signed(value)}  ") == 1


def test_verbose_shows_every_metric(comparison: Comparison) -> None:
    text = comparison.table(verbose=True)
    assert "arc_easy, acc: native" in text
    assert "--verbose" in comparison.table()
    assert "Other metrics" not in text


def test_notes_are_about_the_rows_that_are_shown(comparison: Comparison) -> None:
    candidates = [
        replace(
            candidate,
            differences=tuple(
                one if one.family else replace(one, verdict="no difference found")
                for one in candidate.differences
            ),
        )
        for candidate in comparison
    ]
    unclear = replace(comparison, candidates=tuple(candidates))
    assert "No difference found:" not in unclear.table()
    assert "No difference found:" in unclear.table(verbose=True)


def test_a_console_prints_it(comparison: Comparison) -> None:
    console = Console(width=90, record=True, file=StringIO())
    console.print(comparison)
    assert "equivalent within 0.02" in console.export_text()


def test_html_and_terminals_do_not_obey_names() -> None:
    base, other = (make_results(name, {"qa": 20}, seed=i) for i, name in enumerate("ab"))
    evil = "<script>alert(1)</script>\x1b[2J"
    named = replace(other, model={**other.model, "name": evil})
    comparison = compare_results(Contender("base", base), [Contender(evil, named)], margin=0.1)
    html = comparison._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in comparison.table()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.00004, "0.0000"),
        (-0.00004, "0.0000"),
        (-0.5, "-0.5000"),
        (float("nan"), "n/a"),
    ],
)
def test_a_change_has_its_sign(value: float, text: str) -> None:
    assert signed(value) == text


def test_no_p_value_is_nothing() -> None:
    assert p_value(0.0) == "<0.0001"
    assert p_value(1.0) == "1.0000"
