from __future__ import annotations

from dataclasses import replace

import pytest

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Contender
from fastscore.metrics import Score
from fastscore.results import GenerationSample, GenerationSummary, MetricValue, Results
from fastscore.types import Sampling

TASKS = {"arc_easy": 400, "hellaswag": 300}


@pytest.fixture(scope="session")
def three() -> list[Results]:
    """A model, one that is nearly the same, one that is worse; with their prompts."""
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    return [
        make_results("Q4_1", TASKS, megabytes=98, seed=1, noise=0.1, log_prompts=True),
        make_results("Q8_0", TASKS, megabytes=145, seed=2, noise=0.1, log_prompts=True),
        make_results("Q2_K", TASKS, megabytes=60, seed=3, noise=3, skill=0.2, log_prompts=True),
    ]


@pytest.fixture(scope="session")
def comparison(three: list[Results]) -> Comparison:
    base, *others = (Contender(str(one.model["quantisation"]), one) for one in three)
    return compare_results(base, others, margin=0.05)


@pytest.fixture(scope="session")
def written() -> Results:
    """A run with generated texts, one of which looks like markup."""
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    samples = [
        GenerationSample(
            doc_id=i,
            gold="42",
            outputs=("</script><b>forty-two</b>",),
            finish_reasons=("stop",),
            extracted={"strict-match": ("forty-two" if i % 2 else "42",)},
            scores={"exact_match": Score(float(i % 2 == 0))},
            context=f"Question {i}?",
        )
        for i in range(5)
    ]
    results = make_results("a", {"t": 1})
    task = replace(
        results.tasks["t"],
        metrics={"exact_match": MetricValue(0.6, 0.24, (0.23, 0.88))},
        n=5,
        samples=samples,
        generation=GenerationSummary(1, Sampling(), 64, 3.0, {"stop": 5, "eos": 0, "length": 0}),
    )
    return replace(results, tasks={"gsm8k": task})
