from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import make_results
from fastscore.comparison.comparison import Comparison
from fastscore.errors import UsageError
from fastscore.report import to_csv, to_html, to_markdown, write_plots, write_report
from fastscore.results import Results
from fastscore.results.stopping import Stopping

PIPE = "a|b*c_<b>[x](y)"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_a_model_task_and_metric_in_full_precision(three: list[Results]) -> None:
    rows = rows_of(to_csv(three))
    assert len(rows) == 3 * 2 * 2
    by_key = {(row["model"], row["task"], row["metric"]): row for row in rows}
    for label, results in zip(("Q4_1", "Q8_0", "Q2_K"), three, strict=True):
        for task, result in results.tasks.items():
            for metric, one in result.metrics.items():
                row = by_key[label, task, metric]
                assert row["kind"] == "score"
                assert float(row["value"]) == one.value
                assert float(row["stderr"]) == one.stderr
                assert (float(row["ci95_low"]), float(row["ci95_high"])) == one.ci95
                assert int(row["n"]) == result.n
                assert row["verdict"] == ""


def test_csv_of_a_comparison_has_the_differences_too(comparison: Comparison) -> None:
    rows = [row for row in rows_of(to_csv(comparison)) if row["kind"] == "difference"]
    assert len(rows) == 2 * 2 * 2
    for row in rows:
        (one,) = (
            each
            for each in comparison[row["model"]].differences
            if (each.task, each.metric) == (row["task"], row["metric"])
        )
        assert float(row["value"]) == one.difference
        assert float(row["stderr"]) == one.stderr
        assert float(row["p_holm"]) == one.p_holm
        assert float(row["equivalence_p"]) == one.equivalence_p
        assert float(row["equivalence_holm"]) == one.equivalence_holm
        assert (int(row["n_gained"]), int(row["n_lost"])) == (one.n_gained, one.n_lost)
        assert row["verdict"] == one.verdict
        assert row["base"] == "Q4_1"


def test_csv_says_what_stopped_early(three: list[Results], comparison: Comparison) -> None:
    tasks = three[0].tasks
    stopping = Stopping("ci=0.1", "arc_easy", "acc_norm", 400, 1000, (0.4, 0.6), 0.05, 1234)
    early = replace(
        three[0],
        tasks={**tasks, "arc_easy": replace(tasks["arc_easy"], stopping=stopping)},
    )
    columns = ("n", "n_total", "stopped_early")
    said = {row["task"]: [row[name] for name in columns] for row in rows_of(to_csv(early))}
    assert said == {"arc_easy": ["400", "1000", "yes"], "hellaswag": ["300", "300", "no"]}
    one, *others = comparison["Q2_K"].differences
    candidate = replace(comparison["Q2_K"], differences=(replace(one, n_total=900), *others))
    rows = rows_of(to_csv(replace(comparison, candidates=(candidate,))))
    first, *rest = [row for row in rows if row["kind"] == "difference"]
    assert [first[name] for name in columns] == [str(one.n), "900", "yes"]
    assert {row["stopped_early"] for row in rest} == {"no"}


def test_csv_leaves_empty_what_is_undefined_and_starts_no_formula() -> None:
    results = make_results("=1+1", {"one": 1})
    (row, _) = rows_of(to_csv(results))
    assert math.isnan(results.tasks["one"].metrics["acc"].stderr)
    assert row["stderr"] == ""
    assert row["model"] == "'=1+1"
    assert rows_of(to_csv(make_results("\n=1+1", {"one": 1})))[0]["model"][:1] not in "=\n"
    assert float(row["value"]) in (0.0, 1.0)


def test_markdown_says_scores_differences_and_the_verdict(comparison: Comparison) -> None:
    text = to_markdown(comparison)
    one = comparison["Q2_K"]["arc_easy"]
    line = next(line for line in text.splitlines() if line.startswith("| Q2\\_K | arc\\_easy"))
    assert f"| {one.difference:+.4f} | {one.ci95[0]:+.4f} to {one.ci95[1]:+.4f} |" in line
    assert line.endswith(f"| {one.spoken} |")
    acc = comparison.base.results.tasks["arc_easy"].metrics["acc"]
    assert f"| {acc.value:.4f} ± {acc.stderr:.4f} |" in text
    assert text.startswith("**")
    assert text.endswith(".\n")


def test_every_row_of_a_markdown_table_has_the_cells_of_its_head(three: list[Results]) -> None:
    odd = replace(
        make_results(PIPE, {PIPE: 5}, groups={"all|": (PIPE,)}),
        machine={"cpu": PIPE},
        tokenisation=PIPE,
    )
    for text in (to_markdown(odd), to_markdown([odd, *three])):
        width = 0
        for line in text.splitlines():
            if line.startswith("|"):
                cells = line.replace("\\|", "").count("|")
                assert cells == (width or cells)
                width = cells
            else:
                width = 0
        assert "<b>" not in text
        assert "[x](y)" not in text


def measured_by(results: Results, *metrics: str) -> Results:
    """The run of a task ``t``, but for its other metrics."""

    def kept(found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: found[name] for name in metrics}

    task = results.tasks["t"]
    samples = [replace(sample, scores=kept(sample.scores)) for sample in task.samples]
    task = replace(task, metrics=kept(task.metrics), samples=samples)
    return replace(results, tasks={"t": task})


def test_runs_side_by_side_keep_their_own_sizes_and_shots() -> None:
    few, many = make_results("few", {"t": 20}), make_results("many", {"t": 30}, seed=1)
    five = replace(many, tasks={"t": replace(many.tasks["t"], num_fewshot=5)})
    assert "| t | 20 / 30 | 0 / 5 | acc |" in to_markdown([few, five])
    assert '<td class="aside">20 / 30</td><td class="aside">0 / 5</td>' in to_html([few, five])
    assert "| t | 30 | 5 | acc |" in to_markdown([five, five])
    assert to_markdown([few, five]).count("Made with fastscore 0.1.0, ") == 1
    older = replace(five, versions={"fastscore": "0.0.9"})
    made = to_markdown([few, older, older]).splitlines()[-2:]
    assert made[0].startswith("- few: Made with fastscore 0.1.0, ")
    assert made[1] == "- many and many-2: Made with fastscore 0.0.9."


@pytest.mark.parametrize(
    ("first", "second", "primary"),
    [
        (["acc"], ["acc", "acc_norm"], "acc"),
        (["acc", "acc_norm"], ["acc"], "acc"),
        (["acc"], ["acc_norm"], "acc_norm"),
    ],
)
def test_runs_side_by_side_show_what_any_was_measured_by(
    first: list[str], second: list[str], primary: str
) -> None:
    pair = [
        measured_by(make_results("a", {"t": 20}), *first),
        measured_by(make_results("b", {"t": 20}, seed=1), *second),
    ]
    rows = [line for line in to_markdown(pair).splitlines() if line.count(" ± ") and "|" in line]
    for run, column in zip(pair, (5, 6), strict=True):
        shown = [row.split("|")[column].strip() for row in rows]
        expected = [
            f"{one.value:.4f} ± {one.stderr:.4f}" for one in run.tasks["t"].metrics.values()
        ]
        assert [cell for cell in shown if cell] == expected
    assert f"t, {primary}" in to_html(pair)


def test_the_suffix_says_the_form(three: list[Results], tmp_path: Path) -> None:
    assert write_report(three, tmp_path / "a.MD").read_text(encoding="utf-8") == to_markdown(three)
    assert write_report(three, tmp_path / "a.csv").read_text(encoding="utf-8") == to_csv(three)


def test_plots_are_files(comparison: Comparison, tmp_path: Path) -> None:
    paths = write_plots(comparison, tmp_path / "plots", ["svg", "png"])
    names = {path.stem for path in paths}
    assert names == {
        "difference-0",
        "difference-1",
        "tradeoff-size",
        "tradeoff-speed",
        "interval-arc_easy",
        "interval-hellaswag",
    }
    assert len(paths) == 2 * len(names)
    for path in paths:
        start = path.read_bytes()[:300]
        assert start.startswith(b"\x89PNG") if path.suffix == ".png" else b"<svg" in start
    first = {path.name: path.read_bytes() for path in paths}
    again = write_plots(comparison, tmp_path / "again", ["svg", "png"])
    assert {path.name: path.read_bytes() for path in again} == first
    with pytest.raises(UsageError, match="not pdf"):
        write_plots(comparison, tmp_path, ["svg", "pdf"])
