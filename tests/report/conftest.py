from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_results import make_results
from fastscore.comparison.build import compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.values import Contender
from fastscore.metrics import Score
from fastscore.report import write_report
from fastscore.results import GenerationSample, GenerationSummary, MetricValue, Results
from fastscore.types import Sampling

BROWSER_VARIABLE = "FASTSCORE_BROWSER"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get(BROWSER_VARIABLE) or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no Chromium; set {BROWSER_VARIABLE} to one")
    with playwright.sync_playwright() as started:
        # In a container there is often no sandbox to be had, and the pages are our own.
        opened = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def compared(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(comparison, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open a file, and see to it that nothing is complained of and nothing else asked for."""
    contexts, complaints = [], []

    def opened(path: Path, **options: Any) -> Any:
        options = {"viewport": {"width": 1200, "height": 800}, **options}
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: None if asked.url == path.as_uri() else complaints.append(asked.url),
        )
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
