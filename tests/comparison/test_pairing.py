"""Which items two runs have in common, and what forbids to compare them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fake_model import FakeModel
from fake_results import make_results, make_task
from fake_run import capitals, score
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Contender
from fastscore.errors import ResultsError
from fastscore.results import Results
from fastscore.tasks import GenerationTask, OpenQuestion


def held(base: Results, candidate: Results, **options: Any) -> Comparison:
    return compare_results(
        Contender("base", base), [Contender("other", candidate)], margin=0.02, **options
    )


def with_task(results: Results, **fields: Any) -> Results:
    """The same with a changed task."""
    return replace(results, tasks={name: replace(t, **fields) for name, t in results.tasks.items()})


def without_digests(results: Results) -> Results:
    """As read from files of schema version 2."""
    return replace(
        results,
        tasks={
            name: replace(task, samples=[replace(one, item=None) for one in task.samples])
            for name, task in results.tasks.items()
        },
    )


@pytest.fixture
def base() -> Results:
    return make_results("base", {"qa": 40})


@pytest.fixture
def other() -> Results:
    return make_results("other", {"qa": 40}, seed=1)


def test_items_are_paired_whatever_their_order(base: Results, other: Results) -> None:
    shuffled = with_task(other, samples=list(other.tasks["qa"].samples)[::-1])
    expected, found = held(base, other)["other"]["qa"], held(base, shuffled)["other"]["qa"]
    assert found == expected
    assert found.n == 40
    assert held(base, other).warnings == ()


def test_runs_of_different_length_meet_on_what_both_have(base: Results, other: Results) -> None:
    short = with_task(other, samples=other.tasks["qa"].samples[10:30], n=20)
    comparison = held(base, short)
    assert comparison["other"]["qa"].n == 20
    assert comparison.warnings == (
        "other: qa: compared on the 20 items that both runs have, of 40 in the base and 20.",
    )
    means = [one.scores["acc_norm"].value for one in base.tasks["qa"].samples[10:30]]
    assert comparison["other"]["qa"].base == pytest.approx(sum(means) / 20)


def test_items_with_another_content_are_left_out_and_said(base: Results, other: Results) -> None:
    samples = list(other.tasks["qa"].samples)
    samples[3] = replace(samples[3], item="0" * 16)
    comparison = held(base, with_task(other, samples=samples))
    assert comparison["other"]["qa"].n == 39
    assert "1 items that have other prompts or answers in the two runs are left out" in str(
        comparison.warnings
    )


def test_no_common_item_is_refused_with_what_differs(base: Results, other: Results) -> None:
    samples = [replace(one, item="0" * 16) for one in other.tasks["qa"].samples]
    rows = replace(other.tasks["qa"].origin, location="elsewhere.jsonl", sha256="cd" * 32)
    changed = with_task(other, samples=samples, num_fewshot=5, origin=rows, variant="shared shots")
    changed = replace(changed, settings={**changed.settings, "seed": 7})
    with pytest.raises(ResultsError) as error:
        held(base, changed)
    message = str(error.value)
    assert message.startswith("these results cannot be held against base:\n  other: qa: none of 40")
    for difference in (
        "num_fewshot: 0 in the base, 5 here",
        "seed: 1234 in the base, 7 here",
        "variant: None in the base, shared shots here",
        "rows: data/qa.jsonl (sha256 abababab) in the base, elsewhere.jsonl (sha256 cdcdcdcd) here",
    ):
        assert difference in message


def test_all_tasks_and_candidates_are_named_at_once() -> None:
    base = make_results("base", {"a": 9, "b": 9})
    wrong = replace(base, tasks={n: replace(t, version="2.0") for n, t in base.tasks.items()})
    none = make_results("none", {"c": 9})
    with pytest.raises(ResultsError) as error:
        compare_results(
            Contender("base", base), [Contender("x", wrong), Contender("y", none)], margin=0.1
        )
    text = str(error.value)
    assert "x: a, b: another version of the task: 1.0 in the base, 2.0 here" in text
    assert "y: no task in common: the base has a, b; here are c" in text


def test_results_without_digests_pair_by_place_and_say_so(base: Results, other: Results) -> None:
    for one, two in ((without_digests(base), other), (base, without_digests(other))):
        comparison = held(one, two)
        assert comparison["other"]["qa"].n == 40
        assert "could not be checked" in comparison.warnings[0]


def test_results_without_digests_must_agree_in_their_options(base: Results, other: Results) -> None:
    changed = with_task(without_digests(other), num_fewshot=5)
    with pytest.raises(ResultsError, match="num_fewshot: 0 in the base, 5 here") as error:
        held(base, changed)
    assert "say too little of their items" in str(error.value)


def test_other_gold_or_choices_are_another_item(base: Results, other: Results) -> None:
    samples = list(without_digests(other).tasks["qa"].samples)
    samples[0] = replace(samples[0], gold=((samples[0].gold[0] + 1) % 4,))
    samples[1] = replace(samples[1], loglikelihoods=samples[1].loglikelihoods[:3], gold=(0,))
    comparison = held(base, with_task(without_digests(other), samples=samples))
    assert comparison["other"]["qa"].n == 38


def test_a_row_that_is_there_twice_is_refused(base: Results, other: Results) -> None:
    samples = [*other.tasks["qa"].samples, other.tasks["qa"].samples[0]]
    with pytest.raises(ResultsError, match="doc_id 0 is there twice"):
        held(base, with_task(other, samples=samples))


def test_each_model_may_have_its_own_chat_template() -> None:
    task, rows = capitals(6)
    runs = [
        score(
            FakeModel(fingerprint=name, chat_template=template),
            [task],
            rows={task.name: rows},
            apply_chat_template=True,
        )
        for name, template in (
            ("a", "{% for m in messages %}<{{ m.content }}>{% endfor %}"),
            ("b", "{% for m in messages %}[{{ m.content }}]{% endfor %}"),
        )
    ]
    comparison = held(*runs)
    assert comparison["other"]["capitals"].n == 6
    assert "the prompts differ: each model has its own chat template" in str(comparison.warnings)
    one_sided = score(FakeModel(fingerprint="c"), [task], rows={task.name: rows})
    with pytest.raises(ResultsError, match="apply_chat_template: True in the base, False here"):
        held(runs[0], one_sided)


def test_what_two_runs_do_not_share_is_said(base: Results, other: Results) -> None:
    changed = replace(
        other,
        model={**other.model, "fingerprint": base.model["fingerprint"]},
        tokenisation="another tokenizer",
        versions={"fastscore": "0.1.0", "llama-cpp-python": "0.4.0"},
        machine={"cpu": "another processor"},
        settings={**other.settings, "engine": {"n_threads": 8, "exact": True}},
    )
    said = "\n".join(held(base, changed).warnings)
    for warning in (
        "other: the same model file as the base.",
        "another tokenisation: the model file's own tokenizer; no BOS in front in the base",
        "(exact) differs: None in the base, True here",
        "another version of llama-cpp-python: 0.3.36 in the base, 0.4.0 here",
        "made on another machine: a processor in the base, another processor here",
    ):
        assert warning in said
    assert "n_threads" not in said  # changes rounding only
    assert "version of fastscore" not in said


def test_what_another_program_does_not_say_is_no_difference(base: Results, other: Results) -> None:
    """lm-eval's files tell neither the machine nor the versions of llama.cpp."""
    changed = replace(other, versions={"lm_eval": "0.4.13"}, machine={})
    said = [line for line in held(base, changed).warnings if "version" in line or "machin" in line]
    assert said == []
    programs = "scored by another program: fastscore 0.1.0 in the base, lm_eval 0.4.13 here."
    assert f"other: {programs}" in held(base, changed).warnings


def test_contexts_that_were_cut_are_said(base: Results, other: Results) -> None:
    assert "contexts were cut to fit the window in 0 requests of the base and 3" in str(
        held(base, with_task(other, truncated=3)).warnings
    )


def texts(**options: Any) -> Results:
    def question(row: Any) -> OpenQuestion:
        return OpenQuestion(f"{row['x']} + {row['x']} =", str(2 * row["x"]), gold=str(2 * row["x"]))

    sums = GenerationTask("sums", question, stop=("\n",))
    model = FakeModel(write=lambda prompt, number: f"{2 * int(prompt.split()[0]) + number % 2}\n")
    return score(model, [sums], rows={"sums": [{"x": i} for i in range(6)]}, **options)


def test_texts_of_another_sampling_are_refused() -> None:
    with pytest.raises(ResultsError, match=r"another temperature: 0.0 in the base, 0.5 here"):
        held(texts(), texts(temperature=0.5))
    with pytest.raises(ResultsError, match="another max_tokens: 256 in the base, 9 here"):
        held(texts(), texts(max_tokens=9))


def test_texts_are_compared_by_their_mean_over_the_samples() -> None:
    two = texts(n=2, temperature=0.5)
    one = texts(n=1, temperature=0.5)
    comparison = held(one, two)
    difference = comparison["other"]["sums"]
    assert (difference.base, difference.candidate) == (1, 0.5)
    assert "samples of each problem: 1 in the base, 2 here" in str(comparison.warnings)
    assert difference.gold_change.reason is not None
    flip = comparison["other"].flips["sums"][0]
    assert (flip.gold, flip.base_output, flip.base_probabilities) == (("0",), "0", None)


def test_choices_and_texts_are_not_the_same_thing() -> None:
    base = texts()
    choices = make_task("sums", 6, skill=1, noise=1, seed=0)
    other = replace(base, tasks={"sums": choices})
    with pytest.raises(ResultsError, match="chose among given answers, the other wrote texts"):
        held(base, other)


def with_metric(results: Results, *names: str) -> Results:
    """The same with the scores of these tasks under another name."""
    return replace(
        results,
        tasks={
            name: task
            if name not in names
            else replace(
                task,
                metrics={"hits": task.metrics["acc"]},
                samples=[replace(one, scores={"hits": one.scores["acc"]}) for one in task.samples],
            )
            for name, task in results.tasks.items()
        },
    )


def test_a_task_without_a_common_metric_is_left_out_and_said() -> None:
    base, other = make_results("base", {"a": 9, "b": 9}), make_results("other", {"a": 9, "b": 9})
    comparison = held(base, with_metric(other, "b"))
    assert {one.task for one in comparison["other"].differences} == {"a"}
    assert comparison.warnings[0] == (
        "other: b: no metric in common, and so left out: acc, acc_norm in the base, hits here."
    )


def test_results_without_a_common_metric_are_refused() -> None:
    base, other = make_results("base", {"a": 9, "b": 9}), make_results("other", {"a": 9, "b": 9})
    with pytest.raises(ResultsError, match="a, b: no metric in common: acc, acc_norm in the base"):
        held(base, with_metric(other, "a", "b"))
    with pytest.raises(ResultsError, match="b: no metric in common: acc, acc_norm in the base"):
        held(base, with_metric(other, "b"), tasks=["b"])


def test_rounding_is_no_difference() -> None:
    """The same share of probability, summed in another order by another program."""
    base = make_results("base", {"a": 50})
    task = base.tasks["a"]
    samples = [
        replace(one, scores={"share": replace(one.scores["acc"], value=0.3 + i / 100)})
        for i, one in enumerate(task.samples)
    ]
    rounded = [
        replace(one, scores={"share": replace(score, value=score.value * (1 + 2**-50))})
        for one in samples
        for score in [one.scores["share"]]
    ]
    share = {"share": task.metrics["acc"]}
    runs = [
        replace(base, tasks={"a": replace(task, metrics=share, samples=of)})
        for of in (samples, rounded)
    ]
    comparison = held(*runs)
    found = comparison["other"]["a"]
    assert (found.difference, found.n_gained, found.n_lost) == (0, 0, 0)
    assert found.verdict == "no difference found"
    assert not comparison["other"].flips["a"]
