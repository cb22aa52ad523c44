"""DeepEval's metrics, alone and through its own runner, judged by the demo model."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

pytest.importorskip("deepeval", reason="DeepEval is not installed")

from deepeval import evaluate
from deepeval.evaluate.configs import AsyncConfig, DisplayConfig
from deepeval.metrics import (
    AnswerRelevancyMetric,
    FaithfulnessMetric,
    GEval,
    HallucinationMetric,
)
from deepeval.test_case import LLMTestCase, SingleTurnParams

from fastscore.integrations.deepeval import FastscoreLLM, FastscoreSystemOneModel

# HallucinationMetric tells at every use that its score has turned round.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'HallucinationMetric' now scores:DeprecationWarning"),
    pytest.mark.usefixtures("event_loop", "own_folder"),
]


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of a test's own: DeepEval keeps its runs in ./.deepeval."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPEVAL_DISABLE_TIMEOUTS", "1")


@pytest.fixture(scope="module")
def demo(demo_model: Path) -> Iterator[FastscoreLLM]:
    with FastscoreLLM(demo_model, n_threads=1, max_tokens=40) as opened:
        yield opened


@pytest.fixture(scope="module")
def tiny(tiny_model: TinyModel) -> Iterator[FastscoreLLM]:
    path = tiny_model("llama", n_ctx_train=8192, chat_template=CHAT_TEMPLATE, add_bos=True)
    with FastscoreLLM(path, n_threads=1, max_tokens=64) as opened:
        yield opened


def _metrics(judge: FastscoreLLM, **options: Any) -> list[Any]:
    g_eval = GEval(
        name="right",
        evaluation_steps=["See whether the answer is in the context."],
        evaluation_params=[
            SingleTurnParams.INPUT,
            SingleTurnParams.ACTUAL_OUTPUT,
            SingleTurnParams.CONTEXT,
        ],
        model=judge,
        **options,
    )
    others = (AnswerRelevancyMetric, FaithfulnessMetric, HallucinationMetric)
    return [*(metric(model=judge, **options) for metric in others), g_eval]


def _cases(folder: Path, n: int) -> list[LLMTestCase]:
    """Questions on the shortest texts, half of them with a right answer."""
    with gzip.open(folder / "rag_qa" / "squad_v2_dev_subset.jsonl.gz", "rt") as file:
        rows = [row for row in map(json.loads, file) if not row["is_impossible"]]
    rows = sorted(rows, key=lambda row: len(row["context"]))[:n]
    return [
        LLMTestCase(
            input=row["question"],
            actual_output=row["answers"][0]["text"] if 2 * i < n else "In the year 2087.",
            context=[row["context"]],
            retrieval_context=[row["context"]],
        )
        for i, row in enumerate(rows)
    ]


QUIETLY = DisplayConfig(show_indicator=False, print_results=False)


def test_the_demo_model_judges(demo: FastscoreLLM, data_dir: Path) -> None:
    metrics = _metrics(demo)
    metrics[0].include_reason = metrics[1].include_reason = False  # some seconds each
    result = evaluate(_cases(data_dir, 1), metrics, display_config=QUIETLY)
    [tested] = result.test_results
    assert {data.name for data in tested.metrics_data} == {
        "Answer Relevancy",
        "Faithfulness",
        "Hallucination",
        "right [GEval]",
    }
    for data in tested.metrics_data:
        assert data.error is None
        assert 0 <= data.score <= 1
        assert data.evaluation_model == demo.get_model_name()


@pytest.mark.parametrize("async_mode", [True, False])
@pytest.mark.parametrize("which", range(4))
def test_a_metric_runs_alone(
    tiny: FastscoreLLM, data_dir: Path, which: int, async_mode: bool
) -> None:
    [case] = _cases(data_dir, 1)
    metric = _metrics(tiny, async_mode=async_mode)[which]
    score = metric.measure(case, _show_indicator=False)
    assert 0 <= score <= 1
    assert isinstance(metric.reason, str)
    assert metric.error is None


@pytest.mark.parametrize("run_async", [True, False])
def test_deepevals_runner_takes_many_cases(
    tiny: FastscoreLLM, data_dir: Path, run_async: bool
) -> None:
    result = evaluate(
        _cases(data_dir, 4),
        _metrics(tiny),
        async_config=AsyncConfig(run_async=run_async),
        display_config=QUIETLY,
    )
    assert len(result.test_results) == 4
    for tested in result.test_results:
        assert len(tested.metrics_data) == 4
        for data in tested.metrics_data:
            assert data.error is None
            assert math.isfinite(data.score)
            assert 0 <= data.score <= 1
    assert result.confident_link is None


def test_at_a_time_or_one_by_one_the_scores_are_the_same(
    tiny: FastscoreLLM, data_dir: Path
) -> None:
    def scores(run_async: bool) -> list[list[float]]:
        result = evaluate(
            _cases(data_dir, 3),
            [FaithfulnessMetric(model=tiny), AnswerRelevancyMetric(model=tiny)],
            async_config=AsyncConfig(run_async=run_async),
            display_config=QUIETLY,
        )
        return sorted(
            [tested.input, *(data.score for data in tested.metrics_data)]
            for tested in result.test_results
        )

    assert scores(run_async=True) == scores(run_async=False)


@pytest.mark.usefixtures("unhurried")
def test_the_runner_sends_a_cases_closed_questions_together(
    tiny: FastscoreLLM, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FastscoreSystemOneModel(tiny.model) as judge:
        sizes: list[int] = []
        work = tiny.model.try_decide_each

        def counted(asked: Any, options: Any) -> Any:
            sizes.append(len(asked))
            return work(asked, options)

        monkeypatch.setattr(tiny.model, "try_decide_each", counted)
        options: dict[str, Any] = {"eval_mode": "system_one", "system_one_model": judge}
        result = evaluate(
            _cases(data_dir, 4),
            [AnswerRelevancyMetric(**options), FaithfulnessMetric(**options)],
            display_config=QUIETLY,
        )
    # Three questions a metric; whichever requests meet are one run.
    assert sum(sizes) == 4 * 2 * 3
    assert max(sizes) >= 6
    for tested in result.test_results:
        for data in tested.metrics_data:
            assert 0 <= data.score <= 1
            assert data.evaluation_cost == 0


def test_nothing_is_written_but_in_deepevals_folder(
    tiny: FastscoreLLM, data_dir: Path, tmp_path: Path
) -> None:
    evaluate(_cases(data_dir, 1), _metrics(tiny)[-1:], display_config=QUIETLY)
    assert [path.name for path in tmp_path.iterdir()] == [".deepeval"]
