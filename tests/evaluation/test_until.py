"""Runs that end when their scores are known as exactly as was asked for."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from fake_model import FakeModel
from fake_run import capitals, score, task_of
from fastscore import GenerationTask, OpenQuestion, Results, UsageError
from fastscore.evaluation.units import Place, Unit, random_order, units_of
from fastscore.evaluation.until import FirstItems, HalfWidth, next_look, read_rule
from fastscore.progress import Progress
from fastscore.results.stopping import Stopping
from fastscore.tasks import expand, get_group

N = 500
STEM = get_group("mmlu_stem").members
FIXED_ORDER = [("a", 1), ("b", 0), ("b", 2), ("b", 1), ("a", 0)]


def stopping_of(results: Results, name: str) -> Stopping:
    found = results[name].stopping
    assert found is not None
    return found


def run(
    n: int = N, until: Any = "ci=0.1", model: FakeModel | None = None, **options: Any
) -> Results:
    task, rows = capitals(n, num_fewshot=2)
    return score(model or FakeModel(), task, rows={"capitals": rows}, until=until, **options)


def test_a_run_ends_early_with_the_true_value_inside() -> None:
    model = FakeModel()
    full = task_of(run(until=None), "capitals").metrics["acc_norm"].value
    results = run(model=model, resume=False)
    task, stopping = task_of(results, "capitals"), stopping_of(results, "capitals")
    assert stopping.early
    assert 32 < task.n == stopping.n < N == stopping.n_total
    assert (stopping.rule, stopping.unit, stopping.metric) == ("ci=0.1", "capitals", "acc_norm")
    assert (stopping.alpha, stopping.seed) == (0.05, 1234)
    low, high = stopping.interval
    assert (high - low) / 2 <= 0.1
    assert low <= full <= high
    assert task.metrics["acc_norm"].ci95 == stopping.interval
    assert model.n_scored == 3 * task.n  # nothing beyond what counts
    assert results.settings["until"] == "ci=0.1"


def test_items_are_asked_as_in_the_full_run() -> None:
    full = {one.doc_id: one for one in task_of(run(until=None), "capitals").samples}
    part = task_of(run(), "capitals").samples
    assert [one.doc_id for one in part] == sorted(one.doc_id for one in part)
    assert all(one == full[one.doc_id] for one in part)


def test_the_items_are_the_first_of_the_random_order() -> None:
    task = task_of(run(), "capitals")
    order = random_order(Unit("capitals", ("capitals",)), {"capitals": N}, 1234)
    assert {one.doc_id for one in task.samples} == {place.index for place in order[: task.n]}
    other = task_of(run(seed=5), "capitals")
    assert {one.doc_id for one in other.samples} != {one.doc_id for one in task.samples}


def test_a_narrower_interval_takes_more_items_and_repeats_none() -> None:
    model = FakeModel()
    first = task_of(run(until="ci=0.15", model=model), "capitals")
    more = task_of(run(until="ci=0.08", model=model), "capitals")
    assert first.n < more.n
    assert model.n_scored == 3 * more.n
    assert {one.doc_id for one in first.samples} < {one.doc_id for one in more.samples}


def test_with_all_items_the_result_is_the_full_one() -> None:
    full, results = run(60, until=None), run(60, until="ci=0.0001")
    task = task_of(results, "capitals")
    assert dict(task.metrics) == dict(task_of(full, "capitals").metrics)
    assert task.samples == task_of(full, "capitals").samples
    stopping = stopping_of(results, "capitals")
    assert not stopping.early
    value = task.metrics["acc_norm"].value
    assert stopping.interval == pytest.approx((value, value))
    text = results.table()
    assert "all 60 items were scored before the rule ci=0.0001 was met" in text
    assert " of 60 " not in text.partition("Work")[0]


def test_the_table_and_the_file_say_that_it_stopped(tmp_path: Path) -> None:
    results = run(output=tmp_path)
    n = results["capitals"].n
    text = results.table()
    assert f"{n} of 500" in text
    assert f"stopped early (ci=0.1), after {n} of 500 items in random order" in text
    loaded = Results.load(tmp_path)
    assert loaded["capitals"].stopping == results["capitals"].stopping
    schema = Path(__file__).parents[2] / "python/fastscore/results/schema.json"
    jsonschema.validate(
        json.loads((tmp_path / "results.json").read_text("utf-8")),
        json.loads(schema.read_text("utf-8")),
    )


@pytest.fixture
def stem(tmp_path: Path) -> Callable[..., Results]:
    """Score a group of tasks with 6, 12, 18, ... items."""
    rows = [
        {
            "question": f"{number} of {name}?",
            "subject": name.removeprefix("mmlu_"),
            "choices": [f"{number}a", f"{number}b", f"{number}c", f"{number}d"],
            "answer": number % 4,
        }
        for size, name in enumerate(STEM, start=1)
        for number in range(6 * size)
    ]
    file = tmp_path / "mmlu.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return lambda **options: score(
        FakeModel(), "mmlu_stem", rows={"mmlu_stem": file}, num_fewshot=0, **options
    )


def test_a_group_ends_as_one_and_its_tasks_have_what_was_drawn(
    stem: Callable[..., Results],
) -> None:
    full, results = stem(), stem(until="ci=0.06")
    group, stopping = results.groups["mmlu_stem"], stopping_of(results, "mmlu_stem")
    tasks = [task_of(results, name) for name in STEM]
    assert stopping.early
    assert group.n == sum(task.n for task in tasks) == stopping.n
    assert stopping.n_total == full.groups["mmlu_stem"].n == 6 * 190
    scores = [one.scores["acc"].value for task in tasks for one in task.samples]
    found = group.metrics["acc"]
    assert found.value == pytest.approx(np.mean(scores))
    assert found.stderr == pytest.approx(np.std(scores, ddof=1) / math.sqrt(group.n))
    low, high = found.ci95
    assert (high - low) / 2 <= 0.06
    assert low <= full.groups["mmlu_stem"].metrics["acc"].value <= high
    for size, name in enumerate(STEM, start=1):
        member = stopping_of(results, name)
        assert (member.unit, member.n_total) == ("mmlu_stem", 6 * size)
        assert member.interval[0] <= task_of(full, name).metrics["acc"].value <= member.interval[1]
    assert results.table(verbose=True).count("stopped early") == 1
    assert full.groups["mmlu_stem"].stopping is None


def test_a_group_with_all_its_items_is_that_of_a_full_run(stem: Callable[..., Results]) -> None:
    full, results = stem(), stem(until="ci=0.0001")
    assert dict(results["mmlu_stem"].metrics) == dict(full["mmlu_stem"].metrics)
    assert not stopping_of(results, "mmlu_stem").early


def test_two_tasks_are_two_units_and_parts_of_a_group_are_none() -> None:
    assert [unit.name for unit in units_of(expand(["mini_qa", "arc_easy"]))] == [
        "mini_qa",
        "arc_easy",
    ]
    units = units_of(expand(["mmlu", "mmlu_anatomy", "mmlu_stem", "piqa"]))
    assert [unit.name for unit in units] == ["mmlu", "piqa"]
    assert len(units[0].tasks) == 57


def test_members_that_were_never_drawn_are_undefined_and_the_group_is_not(
    stem: Callable[..., Results], tmp_path: Path
) -> None:
    results = stem(until=FirstItems("decided", {"mmlu_stem": 9}, 1), output=tmp_path / "out")
    sizes = {name: results.tasks[name].n for name in STEM}
    assert sum(sizes.values()) == 9
    empty = next(name for name, n in sizes.items() if n == 0)
    assert math.isnan(results.tasks[empty].metrics["acc"].value)
    assert stopping_of(results, empty).interval == (0, 1)
    assert 0 <= results.groups["mmlu_stem"].metrics["acc"].value <= 1
    assert not math.isnan(results.groups["mmlu_stem"].metrics["acc"].stderr)
    loaded = Results.load(tmp_path / "out")
    assert loaded[empty].n == 0
    assert loaded.groups == results.groups


def test_the_order_is_laid_down() -> None:
    unit = Unit("two", ("a", "b"))
    order = random_order(unit, {"a": 2, "b": 3}, 1234)
    assert sorted(order, key=lambda p: (p.task, p.index)) == [
        Place("a", 0), Place("a", 1), Place("b", 0), Place("b", 1), Place("b", 2)
    ]  # fmt: skip
    assert [(p.task, p.index) for p in order] == FIXED_ORDER
    assert random_order(unit, {"a": 2, "b": 3}, 1235) != order


def test_every_item_is_as_likely_to_come_first() -> None:
    unit = Unit("t", ("t",))
    firsts = [random_order(unit, {"t": 5}, seed)[0].index for seed in range(1000)]
    assert all(150 < firsts.count(index) < 250 for index in range(5))


def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    stopped = FakeModel(stop_after=100)
    with pytest.raises(KeyboardInterrupt):
        run(model=stopped, output=tmp_path)
    again = FakeModel()
    results = run(model=again, output=tmp_path)
    assert again.n_scored + stopped.n_scored == 3 * results["capitals"].n
    assert results.work.from_store == stopped.n_scored


def test_texts_end_early_as_well() -> None:
    def question(row: Any) -> OpenQuestion:
        return OpenQuestion(row["q"], row["a"], row["a"])

    chosen = random.Random(1)
    right = [chosen.random() < 0.9 for _ in range(400)]
    rows = [{"q": f"Question {i}:", "a": f"answer {i}"} for i in range(400)]

    def write(prompt: str, number: int) -> str:
        i = int(prompt.split()[1].rstrip(":"))
        return f"answer {i}" if right[i] else "something else"

    model = FakeModel(write=write)
    task = GenerationTask("texts", question, max_tokens=9)
    results = score(model, task, rows={"texts": rows}, until="ci=0.08")
    stopping = stopping_of(results, "texts")
    assert stopping.early
    assert model.n_written == results["texts"].n == stopping.n
    low, high = stopping.interval
    assert low <= sum(right) / 400 <= high
    assert task_of(results, "texts").generation is not None


def test_programs_that_are_not_run_give_nothing_to_stop_at() -> None:
    with pytest.raises(UsageError, match="humaneval has none as long as the programs"):
        score(FakeModel(), "humaneval", until="ci=0.1")


def test_an_undefined_item_keeps_the_run_going() -> None:
    rule = HalfWidth("ci=0.3", 0.3)
    assert rule.next_size("t", [1.0, math.nan, 0.0], 50) == 50


def test_progress_says_that_it_is_an_upper_bound() -> None:
    seen: list[Progress] = []
    run(progress=seen.append)
    assert all(one.left_at_most for one in seen)
    assert seen[-1].tokens_done < 0.6 * seen[0].tokens_total


@pytest.mark.parametrize(
    "until", ["ci=0", "ci=2", "ci=-0.1", "ci=0.5", "ci=nan", "ci=", "ci", "foo", "", "ci=a", "n=3"]
)
def test_other_rules_are_refused(until: str) -> None:
    with pytest.raises(UsageError, match=r"until is .*give ci=H, such as ci=0\.02"):
        read_rule(until)


def test_deciding_takes_two_models() -> None:
    with pytest.raises(UsageError, match="it is for compare; give ci=H"):
        score(FakeModel(), "mini_qa", until="decided")


def test_spaces_and_zeros_do_not_matter() -> None:
    assert read_rule("ci = 0.020") == HalfWidth("ci=0.02", 0.02)


@pytest.mark.parametrize("foreseen", [1, 100, 3_000, 10_000])
def test_looks_rise_to_the_end_and_are_few(foreseen: int) -> None:
    n, looks = 32, 0
    while n < 10_000:
        later = next_look(n, foreseen, 10_000)
        assert n < later <= 10_000
        if n < foreseen * 3 // 4:
            assert later <= max(foreseen * 3 // 4, n + 32)
        n, looks = later, looks + 1
    assert looks < 100
