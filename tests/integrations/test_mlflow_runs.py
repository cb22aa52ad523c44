"""Runs of fastscore logged to a real tracking server, and read back through its API."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow_tracking import artifacts_of, runs_of

from fake_model import FakeModel
from fake_results import make_results
from fake_run import score
from fastscore import Results
from fastscore.errors import ResultsError, UsageError
from fastscore.formats.lm_eval.reading import read_lm_eval
from fastscore.formats.lm_eval.writing import write_lm_eval
from fastscore.observing import RunStart
from fastscore.progress import Progress
from fastscore.results import MetricValue, TaskResult

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytest.importorskip("mlflow", reason="MLflow is not installed")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TASKS = ("mini_qa", "mini_completion")


def test_evaluate_logs_a_run_and_one_a_task(
    mlflow_client: MlflowClient, experiment: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = FakeModel(fingerprint="ab" * 32)
    results = score(model, TASKS, mlflow=experiment)
    assert capfd.readouterr().out == ""  # where results are read from by other programs

    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.run_name == "Fake Q0"
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["fastscore.fingerprint"] == "ab" * 32
    assert parent.data.params["model.quantisation"] == "Q0"
    assert parent.data.params["settings.seed"] == "1234"
    assert parent.data.params["engine.n_batch"] == "512"
    assert parent.data.params["versions.fastscore"] == results.versions["fastscore"]
    for task, result in results.tasks.items():
        child = children[task]
        assert child.info.status == "FINISHED"
        assert child.data.metrics["n"] == result.n
        assert child.data.params["version"] == result.version
        for name, value in result.metrics.items():
            assert parent.data.metrics[f"{task}/{name}"] == child.data.metrics[name] == value.value
            assert parent.data.metrics[f"{task}/{name}_stderr"] == value.stderr
            assert parent.data.metrics[f"{task}/{name}_ci95_low"] == value.ci95[0]
        [rows] = child.inputs.dataset_inputs
        assert rows.dataset.name == task
        assert rows.dataset.digest == result.origin.sha256[:36]
        assert json.loads(rows.dataset.profile)["sha256"] == result.origin.sha256
    assert {one.dataset.name for one in parent.inputs.dataset_inputs} == set(TASKS)

    assert artifacts_of(mlflow_client, parent) == {
        "report.html",
        "results/results.json",
        *(f"results/samples/{task}.jsonl" for task in TASKS),
    }
    folder = mlflow_client.download_artifacts(parent.info.run_id, "results", str(tmp_path))
    assert Results.load(folder).to_dict() == results.to_dict()
    page = Path(mlflow_client.download_artifacts(parent.info.run_id, "report.html", str(tmp_path)))
    assert "mini_qa" in page.read_text(encoding="utf-8")


def test_a_table_of_samples_is_where_mlflow_looks_for_it(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    results = score(FakeModel(), "mini_qa", mlflow=experiment)
    _, children = runs_of(mlflow_client, experiment)
    run = children["mini_qa"]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "samples.json", "type": "table"}
    ]
    table = mlflow_client.load_table(run.info.experiment_id, "samples.json", [run.info.run_id])
    task = results["mini_qa"]
    assert isinstance(task, TaskResult)
    assert len(table) == task.n
    assert table["context"][3].endswith("Answer:")  # though the run was not to log prompts
    assert "context" not in task.samples[3].to_dict()
    assert table["loglikelihoods"][3] == pytest.approx(task.samples[3].to_dict()["loglikelihoods"])


def test_the_last_step_of_progress_is_the_end(mlflow_client: MlflowClient, experiment: str) -> None:
    results = score(FakeModel(), TASKS, mlflow=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    history = mlflow_client.get_metric_history(parent.info.run_id, "progress/tokens_done")
    assert history[-1].step == history[-1].value == results.work.tokens_decoded


def test_progress_is_a_step_metric_every_few_seconds(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    now = 1000.0
    tracker = ours.MlflowObserver(experiment)
    tracker._clock = lambda: now
    tracker.run_started(
        RunStart(
            model={"fingerprint": "f", "name": "A"},
            settings={},
            tasks={"arc": 5},
            output=None,
            date="2026-01-31T12:00:00+00:00",
            count_tokens=len,
        )
    )
    for tokens in range(0, 200, 10):
        while not tracker._worker.idle:
            time.sleep(0.005)
        tracker.progressed(Progress("arc", 1, 1, tokens, 200, 50.0, None))
        now += 1.0
    tracker.run_failed(RuntimeError("enough"))
    parent, _ = runs_of(mlflow_client, experiment)
    history = mlflow_client.get_metric_history(parent.info.run_id, "progress/tokens_per_second")
    assert [one.step for one in history] == [0, 50, 100, 150]
    assert {one.value for one in history} == {50.0}


def test_an_observer_brings_nothing_of_one_run_into_the_next(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = ours.MlflowObserver(experiment)
    score(FakeModel(), TASKS, observers=[tracker])
    first, url = tracker.run_id, tracker.url
    assert mlflow_client.get_metric_history(first, "progress/tokens_done")
    score(FakeModel(), TASKS, observers=[tracker])  # all of it from the store
    assert tracker.run_id != first
    assert tracker.url not in (None, url)
    again = mlflow_client.get_metric_history(tracker.run_id, "progress/tokens_done")
    assert {one.step for one in again} <= {0}  # nothing was decoded

    def refuse() -> None:
        raise ResultsError("gone")

    monkeypatch.setattr(tracker._server, "check", refuse)
    with pytest.raises(ResultsError, match="gone"):
        score(FakeModel(), TASKS, observers=[tracker])
    assert tracker.run_id is None
    assert tracker.url is None


def test_results_logged_later_are_logged_alike(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    results = score(FakeModel(), TASKS, mlflow=f"{experiment} at once")
    run = ours.log_to_mlflow(results, experiment=experiment, run_name="later")
    at_once, _ = runs_of(mlflow_client, f"{experiment} at once")
    later, children = runs_of(mlflow_client, experiment)
    assert later.info.run_id == run
    assert later.info.run_name == "later"
    assert set(children) == set(TASKS)
    of_progress = {name for name in at_once.data.metrics if name.startswith("progress/")}
    assert of_progress
    assert later.data.metrics == {
        name: value for name, value in at_once.data.metrics.items() if name not in of_progress
    }
    assert later.data.params == at_once.data.params
    assert artifacts_of(mlflow_client, later) == artifacts_of(mlflow_client, at_once)
    took = (later.info.end_time - later.info.start_time) / 1000
    assert took == pytest.approx(results.work.seconds["total"], abs=0.01)


def test_groups_are_metrics_of_the_run(mlflow_client: MlflowClient, experiment: str) -> None:
    results = make_results("A", {"one": 10, "two": 30}, groups={"both": ("one", "two")})
    ours.log_to_mlflow(results, experiment=experiment, report=False)
    parent, children = runs_of(mlflow_client, experiment)
    assert set(children) == {"one", "two"}
    assert parent.data.metrics["both/acc"] == results["both"].metrics["acc"].value
    assert "report.html" not in artifacts_of(mlflow_client, parent)


def test_undefined_scores_are_tags_and_pass_at_k_is_named(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    results = make_results("A", {"code": 3})
    nan = math.nan
    metrics = {
        "pass@1": MetricValue(0.5, 0.1, (0.3, 0.7)),
        "pass@10": MetricValue(nan, nan, (nan, nan), "no program was run"),
    }
    task = results["code"]
    object.__setattr__(task, "metrics", metrics)
    ours.log_to_mlflow(results, experiment=experiment, report=False, samples=0)
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.data.metrics["code/pass_at_1"] == 0.5
    assert "code/pass_at_10" not in parent.data.metrics
    assert parent.data.tags["fastscore.undefined.code/pass_at_10"] == "no program was run"
    assert children["code"].data.tags["fastscore.undefined.pass_at_10"] == "no program was run"
    assert artifacts_of(mlflow_client, children["code"]) == set()


def test_a_table_that_was_cut_says_so(mlflow_client: MlflowClient, experiment: str) -> None:
    results = make_results("A", {"arc": 30})
    ours.log_to_mlflow(results, experiment=experiment, report=False, samples=10)
    _, children = runs_of(mlflow_client, experiment)
    assert "the first 10 of 30 items" in children["arc"].data.tags["fastscore.samples"]


def test_a_directory_is_not_taken_for_results(mlflow_client: MlflowClient) -> None:
    with pytest.raises(UsageError, match=r"not str; fastscore\.load\(directory\) reads"):
        ours.log_to_mlflow("results")


@pytest.mark.parametrize("samples", [-1, "10", True])
def test_what_is_no_number_of_samples_is_refused(mlflow_client: MlflowClient, samples: Any) -> None:
    with pytest.raises(UsageError, match=f"samples is {samples!r}"):
        ours.log_to_mlflow(make_results("A", {"arc": 3}), samples=samples)


def test_without_matplotlib_the_report_is_markdown(
    mlflow_client: MlflowClient,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("fastscore.integrations.mlflow.runs.has_matplotlib", lambda: False)
    ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    assert "report.md" in artifacts_of(mlflow_client, parent)
    assert "fastscore-gguf[report]" in caplog.text


def test_results_of_lm_eval_are_logged(
    mlflow_client: MlflowClient, experiment: str, tmp_path: Path
) -> None:
    results = score(FakeModel(), TASKS, log_prompts=True)
    again = read_lm_eval(write_lm_eval(results, tmp_path))
    ours.log_to_mlflow(again, experiment=experiment, report=False)
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.status == "FINISHED"
    for task in TASKS:
        accuracy = results.tasks[task].metrics["acc"].value
        assert children[task].data.metrics["acc"] == accuracy
        [rows] = children[task].inputs.dataset_inputs
        assert rows.dataset.source_type == "code"
        assert rows.dataset.digest


def test_how_many_items_were_scored_is_said_of_each_run(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    """MLflow keeps what the first run of an experiment says of the same rows."""
    few, all_of_them = (score(FakeModel(), "mini_qa", limit=limit) for limit in (3, None))
    for results in (few, all_of_them):
        run = ours.log_to_mlflow(results, experiment=experiment, report=False)
        [rows] = mlflow_client.get_run(run).inputs.dataset_inputs
        tags = {tag.key: tag.value for tag in rows.tags}
        assert tags["fastscore.items_scored"] == str(results.tasks["mini_qa"].n)
        assert "items_scored" not in json.loads(rows.dataset.profile)
