"""Deepchecks' own checks on the answers of a real model."""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_model import FakeModel
from fake_run import capitals, score, task_of
from fastscore import GenerationTask, OpenQuestion, Question, Results, Task, evaluate
from fastscore.errors import UsageError
from fastscore.results import GroupResult

# Of the libraries that deepchecks stands on, and of the names in them that it still uses.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")
    for kind in ("DeprecationWarning", "FutureWarning")
]

# Its import tells its makers, over the network, unless that is off.
os.environ["DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY"] = "True"
try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from deepchecks.nlp import checks

        from fastscore.integrations.deepchecks import Classified, to_text_data
except ImportError as error:
    pytest.skip(f"no deepchecks that runs here: {error}", allow_module_level=True)


N = 40
"""Items a task."""


@pytest.fixture(scope="module")
def results(demo_model: Path, data_dir: Path) -> Results:
    tasks = ["mmlu_college_biology", "winogrande", "mini_qa", "mini_blank"]
    return evaluate(
        demo_model,
        tasks,
        limit=N,
        data=data_dir,
        log_prompts=True,
        resume=False,
        n_threads=1,
        progress=False,
    )


def accuracy(said: Classified) -> float:
    right = [a == b for a, b in zip(said.predictions, said.data.label, strict=True)]
    return sum(right) / len(right)


@pytest.mark.parametrize(
    ("task", "classes"),
    [("mmlu_college_biology", list("ABCD")), ("winogrande", ["1", "2"])],
)
def test_checks_find_the_accuracy_of_the_run(
    results: Results, task: str, classes: list[str]
) -> None:
    said = to_text_data(results, task)
    acc = results[task].metrics["acc"].value
    assert said.classes == classes
    report = checks.SingleDatasetPerformance(scorers=["accuracy"]).run(said.data, **said.answers)
    assert report.value["Value"].tolist() == [pytest.approx(acc, abs=1e-12)]
    matrix = checks.ConfusionMatrixReport().run(said.data, **said.answers).value
    assert list(matrix.index) == list(matrix.columns) == classes
    assert np.trace(matrix.to_numpy()) == round(acc * N)
    assert matrix.to_numpy().sum() == N
    golds = [sample.gold[0] for sample in results[task].samples]
    assert matrix.sum(axis=1).tolist() == [golds.count(i) for i in range(len(classes))]
    # It wants two columns of metadata.
    assert "weak_segments_list" in (
        checks.MetadataSegmentsPerformance().run(said.data, **said.answers).value
    )


def test_a_group_is_searched_for_its_weak_tasks(results: Results) -> None:
    members = {name: task_of(results, name) for name in ("mini_qa", "mini_blank")}
    group = GroupResult.from_tasks(list(members), members, {"acc": "acc"})
    said = to_text_data(replace(results, groups={"mini": group}), "mini")
    assert accuracy(said) == pytest.approx(group.metrics["acc"].value, abs=1e-12)
    assert set(said.data.metadata["task"]) == set(members)
    # mini_blank has two choices: the others have no probability.
    blank = (said.data.metadata["task"] == "mini_blank").to_numpy()
    assert (said.probabilities[blank][:, 2:] == 0).all()
    assert said.probabilities.sum(axis=1) == pytest.approx(1)
    found = checks.MetadataSegmentsPerformance().run(said.data, **said.answers).value
    segments = found["weak_segments_list"]
    assert len(segments)
    lowest = segments.filter(like="Score").min().min()
    assert lowest < accuracy(said)


def test_drift_between_two_runs_is_found(results: Results) -> None:
    said = to_text_data(results, "winogrande")
    other = to_text_data(results, "winogrande")
    arguments: dict[str, Any] = {
        "train_predictions": said.predictions,
        "train_probabilities": said.probabilities,
        "model_classes": said.classes,
    }
    drift = {}
    for name, shares in (("same", said.probabilities), ("sure", said.probabilities**0 * [1, 0])):
        found = checks.PredictionDrift(drift_mode="proba").run(
            said.data,
            other.data,
            test_predictions=other.predictions,
            test_probabilities=shares,
            **arguments,
        )
        drift[name] = found.value["Drift score"]
    labels = checks.LabelDrift().run(said.data, other.data).value["Drift score"]
    assert drift["same"] == labels == 0
    assert drift["sure"] > 0.3


def test_fixed_choices_are_classes_and_columns_are_in_their_order() -> None:
    def question(row: Any) -> Question:
        return Question(row["text"], ["positive", "negative"], row["gold"])

    rows = [{"text": f"Text {i}", "gold": i % 2} for i in range(8)]
    task = Task("mood", question, metrics=("acc",))
    results = score(FakeModel(), task, rows={"mood": rows}, log_prompts=True)
    said = to_text_data(results, "mood")
    assert said.classes == ["negative", "positive"]
    assert list(said.data.label) == ["positive", "negative"] * 4
    for prediction, shares, sample in zip(
        said.predictions, said.probabilities, results["mood"].samples, strict=True
    ):
        assert said.classes[int(np.argmax(shares))] == prediction
        logprobs = np.array(sample.loglikelihoods)
        assert np.log(shares[1] / shares[0]) == pytest.approx(logprobs[0] - logprobs[1])


def test_more_than_nine_positions_stay_in_order() -> None:
    def question(row: Any) -> Question:
        return Question("Q", [f"{row['i']} {j}" for j in range(11)], row["i"] % 11)

    rows = [{"i": i} for i in range(11)]
    results = score(FakeModel(), Task("many", question), rows={"many": rows}, log_prompts=True)
    said = to_text_data(results, "many")
    assert said.classes[:2] + said.classes[-2:] == ["01", "02", "10", "11"]
    assert list(said.data.label) == said.classes


def test_what_is_no_classification_is_refused() -> None:
    def refused(why: str, results: Results, name: str) -> None:
        with pytest.raises(UsageError, match=why):
            to_text_data(results, name)

    task, rows = capitals(4)
    refused("hold no texts", score(FakeModel(), task, rows={"capitals": rows}), "capitals")
    given = {"rows": {"capitals": rows[:1]}, "log_prompts": True}
    refused("at least two", score(FakeModel(), task, **given), "capitals")
    given = {"rows": {"capitals": [{**row, "answer": 0} for row in rows]}, "log_prompts": True}
    refused("choice 1 is the right one in all 4", score(FakeModel(), task, **given), "capitals")

    several = Task("several", lambda row: Question("Q", ["a", "b", "c"], [0, 1]))
    given = {"rows": {"several": [{}, {}]}, "log_prompts": True}
    refused("2 right choices", score(FakeModel(), several, **given), "several")

    texts = GenerationTask("texts", lambda row: OpenQuestion("Q", "a", "a"))
    given = {"rows": {"texts": [{}, {}]}, "log_prompts": True}
    refused("generated texts", score(FakeModel(), texts, **given), "texts")
    refused("no task or group 'text'", score(FakeModel(), texts, **given), "text")
