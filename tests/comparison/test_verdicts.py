"""From paired items to differences, corrections, verdicts and flips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.flips import MOST_CHANGES, chosen
from fastscore.comparison.values import Contender, Difference
from fastscore.errors import UsageError
from fastscore.metrics import Score, shares
from fastscore.results import GroupResult, Results, Sample, TaskResult
from fastscore.statistics.multiplicity import holm
from fastscore.statistics.paired import compare_paired
from fastscore.types import Item, Likelihood, Origin

MC2 = {"acc": "mc2"}


def task_of(values: Sequence[float], metric: str = "acc", name: str = "acc") -> TaskResult:
    """A task whose items have these values of a 0/1 metric, or shares of probability."""
    samples = []
    for doc_id, value in enumerate(values):
        item = Item(doc_id, (f"Q{doc_id}",), (" a", " b"), ("a", "b"), (0,))
        share = min(max(value, 1e-9), 1 - 1e-9) if metric == "mc2" else 0.8 if value else 0.2
        said = [Likelihood(math.log(p), False, 1) for p in (share, 1 - share)]
        samples.append(Sample.score(item, said, {name: metric}))
    return TaskResult.from_samples(
        samples,
        {name: metric},
        num_fewshot=0,
        version="1.0",
        origin=Origin("file", "rows.jsonl", "ab" * 32, len(values)),
    )


def results_of(tasks: dict[str, TaskResult], groups: Sequence[str] = ()) -> Results:
    pooled = {name: GroupResult.from_tasks(list(tasks), tasks, {"acc": "acc"}) for name in groups}
    return replace(make_results("x", {"unused": 1}), tasks=tasks, groups=pooled)


def held(base: Results, *others: Results, margin: float = 0.02, **options: object) -> Comparison:
    candidates = [Contender(f"c{i}", one) for i, one in enumerate(others)]
    return compare_results(Contender("base", base), candidates, margin=margin, **options)  # type: ignore[arg-type]


def values(n: int, right: int) -> list[float]:
    return [float(i < right) for i in range(n)]


def test_a_difference_is_that_of_the_paired_statistics() -> None:
    base = make_results("a", {"qa": 300})
    other = make_results("b", {"qa": 300}, seed=1, skill=1.0)
    found = held(base, other)["c0"]["qa"]
    scores = [
        np.array([one.scores["acc_norm"].value for one in run.tasks["qa"].samples])
        for run in (base, other)
    ]
    expected = compare_paired(scores[0], scores[1], 0.02)
    for name in ("n", "base", "candidate", "difference", "stderr", "ci95", "p_value"):
        assert getattr(found, name) == getattr(expected, name)
    assert (found.n_gained, found.n_lost) == (expected.n_gained, expected.n_lost)
    assert found.metric == "acc_norm"


def test_a_bad_model_is_worse_and_a_good_one_equivalent() -> None:
    base = make_results("base", {"qa": 2000})
    good = make_results("good", {"qa": 2000}, seed=0, noise=0.3001)
    bad = make_results("bad", {"qa": 2000}, seed=2, skill=0.5)
    comparison = held(base, good, bad)
    assert comparison["c0"]["qa"].verdict == "equivalent"
    assert comparison["c0"]["qa"].spoken == "equivalent within 0.02"
    assert comparison["c1"]["qa"].verdict == "worse"
    assert comparison["c1"]["qa"].gold_change.value < -0.5
    assert comparison["c1"]["qa"].margin_change.ci95[1] < 0
    assert held(bad, base)["c0"]["qa"].verdict == "better"


def test_few_items_show_neither() -> None:
    base = results_of({"qa": task_of(values(40, 20))})
    found = held(base, results_of({"qa": task_of(values(40, 19))}))["c0"]["qa"]
    assert found.verdict == "no difference found"
    low, high = found.ci95
    assert found.spoken == f"no difference found; {low:+.3f} to {high:+.3f} are possible"
    assert low < -0.02


def test_a_small_difference_may_be_sure_and_within_the_margin() -> None:
    base = results_of({"qa": task_of(values(5000, 2500))})
    found = held(base, results_of({"qa": task_of(values(5000, 2480))}))["c0"]["qa"]
    assert (found.verdict, found.within_margin) == ("worse", True)
    assert found.spoken == "worse, but by less than 0.02"


def test_comparisons_are_corrected_over_tasks_and_candidates() -> None:
    names = ("a", "b", "c")
    base = make_results("base", dict.fromkeys(names, 200))
    others = [make_results("x", dict.fromkeys(names, 200), seed=i, skill=1.2) for i in (1, 2)]
    comparison = held(base, *others)
    rows = [one for candidate in comparison for one in candidate.differences]
    family = [one for one in rows if one.family]
    assert [one.task for one in family] == [*names, *names]
    assert {one.metric for one in family} == {"acc_norm"}
    assert [one.p_holm for one in family] == holm([one.p_value for one in family])
    assert [one.equivalence_holm for one in family] == holm([one.equivalence_p for one in family])
    rest = [one for one in rows if not one.family]
    assert {one.metric for one in rest} == {"acc"}
    assert [one.p_holm for one in rest] == holm([one.p_value for one in rest])


def test_a_group_is_pooled_over_its_items_and_counts_for_its_tasks() -> None:
    sizes = {"one": (40, 20), "two": (200, 100)}
    base = results_of({name: task_of(values(n, k)) for name, (n, k) in sizes.items()}, ["both"])
    other = results_of(
        {name: task_of(values(n, k - 4)) for name, (n, k) in sizes.items()}, ["both"]
    )
    candidate = held(base, other)["c0"]
    group = candidate["both"]
    assert (group.n, group.n_lost, group.n_gained) == (240, 8, 0)
    assert group.difference == pytest.approx(-8 / 240)
    assert group.p_value == pytest.approx(stats.binomtest(0, 8).pvalue)
    assert [(one.task, one.family) for one in candidate.differences] == [
        ("both", True),
        ("one", False),
        ("two", False),
    ]
    assert set(candidate.flips) == {"one", "two"}


def test_tasks_can_be_chosen() -> None:
    base = make_results("base", {"a": 20, "b": 20, "c": 20}, groups={"pair": ("a", "b")})
    other = make_results("x", {"a": 20, "b": 20, "c": 20}, groups={"pair": ("a", "b")}, seed=1)

    def asked(*tasks: str) -> list[str]:
        candidate = held(base, other, tasks=tasks)["c0"]
        return [one.task for one in candidate.differences if one.family]

    assert asked("c") == ["c"]
    assert asked("pair") == ["pair"]
    assert asked("pair", "b") == ["pair", "b"]
    with pytest.raises(UsageError, match=r"no task or group 'pear'; did you mean pair"):
        asked("pear")


def test_tasks_of_one_run_alone_are_left_out_and_said() -> None:
    comparison = held(
        make_results("base", {"a": 20, "b": 20}), make_results("x", {"b": 20, "c": 20}, seed=1)
    )
    assert {one.task for one in comparison["c0"].differences} == {"b"}
    assert "c0: not in both, and so left out: a, c." in comparison.warnings


def test_an_undefined_item_makes_the_difference_undefined() -> None:
    base = results_of({"qa": task_of(values(10, 5))})
    samples = list(base.tasks["qa"].samples)
    samples[2] = replace(samples[2], scores={"acc": Score(math.nan, "doc_id 2: all impossible")})
    task = replace(base.tasks["qa"], samples=samples)
    comparison = held(base, replace(base, tasks={"qa": task}))
    found = comparison["c0"]["qa"]
    assert found.verdict == "undefined"
    assert found.reason == "undefined for 1 of 10 items of the candidate; doc_id 2: all impossible"
    assert all(map(math.isnan, (found.difference, found.p_holm, found.equivalence_holm)))
    assert "n/a" in comparison.table()
    assert comparison["c0"].flips["qa"] == ()


def test_an_impossible_choice_leaves_the_change_of_log_likelihoods_undefined() -> None:
    base = make_results("base", {"qa": 20})
    samples = list(base.tasks["qa"].samples)
    gold = samples[0].gold[0]
    impossible = [-math.inf if i == gold else x for i, x in enumerate(samples[0].loglikelihoods)]
    samples[0] = replace(samples[0], loglikelihoods=tuple(impossible))
    changed = replace(base, tasks={"qa": replace(base.tasks["qa"], samples=samples)})
    found = held(base, changed)["c0"]["qa"]
    assert found.gold_change.reason is not None
    assert "undefined for 1 of 20 items" in found.gold_change.reason
    assert found.n == 20


def test_identical_shares_of_probability_are_no_proof_of_equivalence() -> None:
    shares = [0.1 + 0.02 * i for i in range(30)]
    base = results_of({"mc2": task_of(shares, "mc2")})
    found = held(base, base)["c0"]["mc2"]
    assert found.verdict == "no difference found"
    assert found.spoken == "no difference found"
    assert found.reason is not None
    shifted = results_of(
        {"mc2": task_of([x - 0.01 - 0.0001 * i for i, x in enumerate(shares)], "mc2")}
    )
    assert held(base, shifted)["c0"]["mc2"].verdict == "worse"


def test_flips_are_the_items_that_changed_sides() -> None:
    base = make_results("base", {"qa": 200}, log_prompts=True, noise=1.5)
    other = make_results("x", {"qa": 200}, seed=1, noise=1.5)
    candidate = held(base, other)["c0"]
    flips = candidate.flips["qa"]
    gained = sum(flip.gained for flip in flips)
    assert (gained, len(flips) - gained) == (candidate["qa"].n_gained, candidate["qa"].n_lost)
    assert len(flips) > 5
    for flip in flips:
        one, two = (run.tasks["qa"].samples[flip.doc_id] for run in (base, other))
        assert isinstance(one, Sample)
        assert isinstance(two, Sample)
        assert flip.base_score == one.scores["acc_norm"].value != flip.candidate_score
        assert (flip.base_pred in flip.gold) == (flip.base_score == 1)
        assert (flip.candidate_pred in flip.gold) == (flip.candidate_score == 1)
        weights = np.exp(np.array(one.loglikelihoods))
        assert flip.base_probabilities == pytest.approx(weights / weights.sum())
        assert flip.contexts == one.contexts
        assert flip.continuations == one.continuations


def test_of_other_scores_the_largest_changes_are_kept() -> None:
    n = MOST_CHANGES + 50
    base = results_of({"mc2": task_of([0.5] * n, "mc2")})
    moved = results_of({"mc2": task_of([0.5 - 0.4 * i / n for i in range(n)], "mc2")})
    flips = held(base, moved)["c0"].flips["mc2"]
    assert [flip.doc_id for flip in flips] == list(range(n - 1, n - 1 - MOST_CHANGES, -1))


def test_probabilities_of_hopeless_choices() -> None:
    sample = make_results("a", {"qa": 1}).tasks["qa"].samples[0]
    assert isinstance(sample, Sample)
    far = replace(sample, loglikelihoods=(-2000.0, -2001.0, -math.inf, -5000.0))
    e = math.e
    assert shares(far.loglikelihoods) == pytest.approx((e / (1 + e), 1 / (1 + e), 0, 0))
    assert shares([-math.inf] * 4) is None


def test_the_choice_of_older_results_is_said_as_far_as_it_is_known() -> None:
    sample = make_results("a", {"qa": 1}).tasks["qa"].samples[0]
    assert isinstance(sample, Sample)
    right = {"acc": Score(1.0), "acc_norm": Score(1.0)}
    old = replace(sample, scores=right, pred=3, gold=(2,))
    assert chosen(old, "acc_norm") == 2
    assert chosen(old, "acc") == 3
    wrong = replace(old, scores={"acc_norm": Score(0.0)})
    assert chosen(wrong, "acc_norm") is None


@pytest.mark.parametrize("margin", [0, 1, -0.1, math.nan, True, "0.1"])
def test_a_margin_is_a_difference_of_scores(margin: object) -> None:
    base = make_results("a", {"qa": 3})
    with pytest.raises(UsageError, match="must lie between 0 and 1"):
        held(base, base, margin=margin)  # type: ignore[arg-type]


def test_an_unknown_name_is_explained() -> None:
    comparison = held(make_results("a", {"qa": 9}), make_results("b", {"qa": 9}, seed=1))
    assert isinstance(comparison["c0"]["qa"], Difference)
    with pytest.raises(KeyError, match="no candidate 'c9'"):
        comparison["c9"]
    with pytest.raises(KeyError, match="no task or group 'qb'"):
        comparison["c0"]["qb"]
    assert len(comparison) == 1
