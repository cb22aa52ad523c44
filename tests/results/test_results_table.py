"""What a user sees: the table as text, on a terminal, in a notebook."""

from __future__ import annotations

import io
import math
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest
from rich.console import Console

from fastscore.metrics import Score
from fastscore.results import GroupResult, Results, Sample, TaskResult
from fastscore.results.rows import title


def rows(text: str) -> list[list[str]]:
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("---")) + 1
    return [re.split(r"\s{2,}", line) for line in lines[start : lines.index("", start)]]


def answered(n: int, **right: int) -> list[Sample]:
    """Make n items of which each metric counts the first so many as right."""
    return [
        Sample(i, (0,), 0, (-1.0,), (False,), {k: Score(float(i < v)) for k, v in right.items()})
        for i in range(n)
    ]


def test_the_report_reads_so(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results]
) -> None:
    variant = "shared shots: not lm-eval's per item"
    tasks = {
        "arc_easy": task_of(samples=answered(400, acc=115, acc_norm=134)),
        "hellaswag": task_of(
            samples=answered(1000, acc=329, acc_norm=319),
            num_fewshot=10,
            variant=variant,
            truncated=1200,
        ),
    }
    # sqrt(p (1 - p) / (n - 1)), and scipy's binomtest(...).proportion_ci(method="wilson").
    assert results_of(tasks).table() == (
        """\
SmolLM2-135M-Instruct Q4_1

task            n  shots  metric     value  stderr  95 % interval
----------  -----  -----  --------  ------  ------  ----------------
arc_easy      400      0  acc       0.2875  0.0227  0.2453 to 0.3337
                          acc_norm  0.3350  0.0236  0.2905 to 0.3826
hellaswag*  1,000     10  acc       0.3290  0.0149  0.3006 to 0.3587
                          acc_norm  0.3190  0.0147  0.2909 to 0.3485

* hellaswag: shared shots: not lm-eval's per item.
hellaswag: 1,200 contexts were cut from the left to fit the window.
Tokenisation: llama.cpp's tokenizer of the model, no BOS.
Work: decoded 105,345 tokens of 842,760 naive (8.0x fewer), 41,234 logit rows, 5 min 06 s, """
        "peak memory 612 MB."
    )


def test_work_that_another_program_does_not_tell_is_not_said_to_be_none(mmlu: Results) -> None:
    work = replace(mmlu.work, tokens_decoded=0, tokens_naive=0, logit_rows=0)
    last = replace(mmlu, work=work).table().splitlines()[-1]
    assert last == "Work: 5 min 06 s, peak memory 612 MB."


def test_a_terminal_s_width_is_kept_to(mmlu: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    assert str(mmlu) == mmlu.table(width=None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert str(mmlu) == mmlu.table(width=70)


def test_print_and_repr_give_the_report(rich_results: Results) -> None:
    assert str(rich_results) == repr(rich_results) == rich_results.table()


def test_a_small_group_shows_its_members_below_it(rich_results: Results) -> None:
    lines = rich_results.table().splitlines()
    names = [line.split()[0] for line in lines if re.match(r" {0,2}[\w/*]+ +[\d,]+ ", line)]
    others = ["truthfulqa_mc2", "one/item", "prompts", "code", "code_not_run", "open_qa"]
    assert names == ["pair*", "arc_easy", "hellaswag*", *others]
    assert any(line.startswith("  arc_easy ") for line in lines)
    assert any(line.startswith("truthfulqa_mc2 ") for line in lines)


def test_a_large_group_shows_its_subgroups_and_says_what_is_hidden(mmlu: Results) -> None:
    text = mmlu.table()
    assert [row[0] or row[1] for row in rows(text)] == [
        "mmlu",
        "mmlu_humanities",
        "mmlu_other",
        "mmlu_social_sciences",
        "mmlu_stem",
    ]
    assert "57 tasks of groups not shown: --verbose" in text


def test_verbose_shows_every_task(mmlu: Results) -> None:
    text = mmlu.table(verbose=True)
    assert len(rows(text)) == 57 + 5
    assert "    mmlu_stem_18 " in text
    assert "not shown" not in text


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_no_number_is_ever_shortened(mmlu: Results, width: int) -> None:
    wide = [row[-6:] for row in rows(mmlu.table(verbose=True, width=1000))]
    assert [row[-6:] for row in rows(mmlu.table(verbose=True, width=width))] == wide


def test_it_fits_a_terminal_of_eighty_columns(mmlu: Results) -> None:
    lines = mmlu.table(verbose=True, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("    mmlu_so..sciences_11 ") for line in lines)


def printed(results: Results, width: int, color: Literal["standard"] | None = None) -> str:
    out = io.StringIO()
    terminal = color is not None
    Console(file=out, width=width, color_system=color, force_terminal=terminal).print(results)
    return out.getvalue()


def test_rich_prints_the_same_with_emphasis(mmlu: Results) -> None:
    plain = [line.rstrip() for line in printed(mmlu, 100).splitlines()]
    assert plain == mmlu.table(width=100).splitlines()
    assert "\x1b[1mmmlu " in printed(mmlu, 100, "standard")
    assert "\x1b" not in str(mmlu)


def test_rich_on_a_narrow_terminal_wraps_and_cuts_no_number(mmlu: Results) -> None:
    words = printed(mmlu, 30).split()
    for row in rows(mmlu.table(width=1000)):
        assert {row[-3], row[-2], *row[-1].split()} <= set(words)


def test_what_is_undefined_is_no_number_and_has_its_reason_below(
    task_of: Callable[..., TaskResult],
    results_of: Callable[..., Results],
    samples_of: Callable[..., list[Sample]],
) -> None:
    metrics = {"acc": "acc", "acc_norm": "acc_norm"}
    samples = samples_of(5, metrics)
    why = "doc_id 2: choice 1 is the empty text"
    samples[2] = replace(samples[2], scores={"acc": Score(1.0), "acc_norm": Score(math.nan, why)})
    results = results_of({"mine": task_of(samples=samples), "one": task_of(1)})
    assert rows(results.table())[1] == ["", "acc_norm", "n/a", "n/a", "n/a"]
    assert rows(results.table())[2][4:] == ["1.0000", "n/a", "0.2065 to 1.0000"]
    assert f"mine (acc_norm): undefined for 1 of 5 items; {why}." in results.table()
    assert "one (acc, acc_norm): one item has no standard error" in results.table()


def test_a_remark_about_many_tasks_is_made_once(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results]
) -> None:
    tasks = {f"t{i}": task_of(3, {"acc": "acc"}, variant="shared shots") for i in range(7)}
    text = results_of(tasks).table()
    assert text.count("shared shots") == 1
    assert "* t0, t1, t2 and 4 more: shared shots." in text


@pytest.mark.parametrize(
    ("limit", "said"), [(40, "40 rows"), (1, "row"), (2.0, "2 rows"), (0.25, "0.25 of the rows")]
)
def test_a_limit_is_said(mmlu: Results, limit: float, said: str) -> None:
    assert "Limited" not in mmlu.table()
    limited = replace(mmlu, settings={"limit": limit})
    assert f"Limited to the first {said} of each task." in limited.table()


def test_notes_on_the_rows_are_shown(rich_results: Results) -> None:
    assert "hellaswag: A subset." in rich_results.table()


def test_a_run_answered_from_the_store_says_so(rich_results: Results) -> None:
    done = {"requests": 80, "from_store": 80, "tokens_decoded": 0, "generation": None}
    answered = replace(rich_results, work=replace(rich_results.work, **done))
    assert "Work: 80 of 80 requests answered from the store, 5 min 06 s." in answered.table()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (59.97, "60.0 s"),
        (61, "1 min 01 s"),
        (7322, "2 h 02 min"),
    ],
)
def test_times_are_readable(mmlu: Results, seconds: float, said: str) -> None:
    work = replace(mmlu.work, seconds={**mmlu.work.seconds, "total": seconds})
    assert f"rows, {said}, peak" in replace(mmlu, work=work).table()


def test_groups_of_groups_of_different_shots_and_no_common_metric(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results]
) -> None:
    tasks = {"a": task_of(4, {"acc": "acc"}), "b": task_of(4, {"mass": "mc2"}, num_fewshot=5)}
    group = GroupResult.from_tasks(["a", "b"], tasks, {"acc": "acc"})
    assert rows(results_of(tasks, {"g": group}).table())[0] == [
        "g", "8", "mixed", "none", "n/a", "n/a", "n/a",
    ]  # fmt: skip


def test_markup_and_control_characters_in_names_are_only_text(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results]
) -> None:
    name = "[red]<b>\x1b[2J\n"
    results = results_of({name: task_of(3)}, model={"fingerprint": "x", "name": "<script>"})
    for text in (results.table(), printed(results, 100)):
        assert "[red]<b>\\x1b[2J\\n" in text
        assert "\x1b" not in text
    html = results._repr_html_()
    assert "[red]&lt;b&gt;\\x1b[2J\\n" in html
    assert "<script>" not in html


def test_the_notebook_shows_the_same_rows_and_remarks(rich_results: Results) -> None:
    html = rich_results._repr_html_()
    assert html.count("<tr>") == 1 + len(rows(rich_results.table()))
    for text in ("<td>0.2571</td>", "0.1693 to 0.3703", "hellaswag: A subset.", "Work: 500 of"):
        assert text in html


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SmolLM2", "SmolLM2 135M Q4_1"),
        ("Smollm2 135m", "Smollm2 135m Q4_1"),
        ("a-135M.q4_1", "a-135M.q4_1"),
    ],
)
def test_size_and_quantisation_are_told_once(rich_results: Results, name: str, said: str) -> None:
    model = {**rich_results.model, "name": name, "n_params": 134_515_008, "quantisation": "Q4_1"}
    assert title(replace(rich_results, model=model)) == said
