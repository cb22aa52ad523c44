"""fastscore against lm-evaluation-harness's HF backend in float32, choice by choice, on `mini`.

The golden file was made by benchmarks/golden.py. fastscore runs in its default settings on the
same weights: the demo model's, dequantised to F32.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fastscore import Results, evaluate

GOLDEN = json.loads(Path(__file__).with_name("mini_lm_eval.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def results(f32_model: Path) -> Results:
    return evaluate(str(f32_model), list(GOLDEN["tasks"]), progress=False, resume=False)


def tolerance(value: float) -> float:
    """What the project promises: |difference| <= 0.01 + 2e-4 |value|."""
    return 0.01 + 2e-4 * abs(value)


@pytest.mark.parametrize("task", list(GOLDEN["tasks"]))
def test_every_choice_is_lm_evals(results: Results, task: str) -> None:
    golden = GOLDEN["tasks"][task]
    samples = results[task].samples
    assert len(samples) == len(golden) == 36
    for sample, theirs in zip(samples, golden, strict=True):
        assert list(sample.is_greedy) == theirs["is_greedy"]
        for ours, value in zip(sample.loglikelihoods, theirs["loglikelihoods"], strict=True):
            assert abs(ours - value) <= tolerance(value)


@pytest.mark.parametrize("task", list(GOLDEN["tasks"]))
def test_acc_is_lm_evals_wherever_the_best_two_differ(results: Results, task: str) -> None:
    n_clear = 0
    for sample, theirs in zip(results[task].samples, GOLDEN["tasks"][task], strict=True):
        second, best = sorted(theirs["loglikelihoods"])[-2:]
        if best - second > tolerance(best):
            n_clear += 1
            assert sample.scores["acc"].value == theirs["acc"]
    assert n_clear >= 30
