"""Runs of fastscore logged to a real tracking server, and read back through its API."""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow_tracking import Door, free_port

from fake_model import FakeModel
from fake_results import make_results
from fake_run import capitals, score
from fastscore import Results
from fastscore.errors import ResultsError, UsageError
from fastscore.observing import Observer, RunStart
from fastscore.progress import Progress
from fastscore.results import MetricValue, TaskResult

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TASKS = ("mini_qa", "mini_completion")


@pytest.fixture
def client(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    yield mlflow.MlflowClient(mlflow_server)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", " ", request.node.name).strip()


def runs_of(client: MlflowClient, experiment: str) -> tuple[Run, dict[str, Run]]:
    """The only parent run of an experiment, and those of its tasks by name."""
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    [parent] = [run for run in found if "mlflow.parentRunId" not in run.data.tags]
    children = {run.info.run_name: run for run in found if run is not parent}
    assert {one.data.tags["mlflow.parentRunId"] for one in children.values()} <= {
        parent.info.run_id
    }
    return parent, children


def artifacts_of(client: MlflowClient, run: Run, path: str | None = None) -> set[str]:
    found = set()
    for one in client.list_artifacts(run.info.run_id, path):
        found |= artifacts_of(client, run, one.path) if one.is_dir else {one.path}
    return found


def test_evaluate_logs_a_run_and_one_a_task(
    client: MlflowClient, experiment: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = FakeModel(fingerprint="ab" * 32)
    results = score(model, TASKS, mlflow=experiment)
    assert capfd.readouterr().out == ""  # where results are read from by other programs

    parent, children = runs_of(client, experiment)
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

    assert artifacts_of(client, parent) == {
        "report.html",
        "results/results.json",
        *(f"results/samples/{task}.jsonl" for task in TASKS),
    }
    folder = client.download_artifacts(parent.info.run_id, "results", str(tmp_path))
    assert Results.load(folder).to_dict() == results.to_dict()
    page = Path(client.download_artifacts(parent.info.run_id, "report.html", str(tmp_path)))
    assert "mini_qa" in page.read_text(encoding="utf-8")


def test_a_table_of_samples_is_where_mlflow_looks_for_it(
    client: MlflowClient, experiment: str
) -> None:
    results = score(FakeModel(), "mini_qa", mlflow=experiment)
    _, children = runs_of(client, experiment)
    run = children["mini_qa"]
    assert json.loads(run.data.tags["mlflow.loggedArtifacts"]) == [
        {"path": "samples.json", "type": "table"}
    ]
    table = client.load_table(run.info.experiment_id, "samples.json", [run.info.run_id])
    task = results["mini_qa"]
    assert isinstance(task, TaskResult)
    assert len(table) == task.n
    assert table["context"][3].endswith("Answer:")  # though the run was not to log prompts
    assert "context" not in task.samples[3].to_dict()
    assert table["loglikelihoods"][3] == pytest.approx(task.samples[3].to_dict()["loglikelihoods"])


def test_the_last_step_of_progress_is_the_end(client: MlflowClient, experiment: str) -> None:
    results = score(FakeModel(), TASKS, mlflow=experiment)
    parent, _ = runs_of(client, experiment)
    history = client.get_metric_history(parent.info.run_id, "progress/tokens_done")
    assert history[-1].step == history[-1].value == results.work.tokens_decoded


def test_progress_is_a_step_metric_every_few_seconds(client: MlflowClient, experiment: str) -> None:
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
    parent, _ = runs_of(client, experiment)
    history = client.get_metric_history(parent.info.run_id, "progress/tokens_per_second")
    assert [one.step for one in history] == [0, 50, 100, 150]
    assert {one.value for one in history} == {50.0}


def test_results_logged_later_are_logged_alike(client: MlflowClient, experiment: str) -> None:
    results = score(FakeModel(), TASKS, mlflow=f"{experiment} at once")
    run = ours.log_to_mlflow(results, experiment=experiment, run_name="later")
    at_once, _ = runs_of(client, f"{experiment} at once")
    later, children = runs_of(client, experiment)
    assert later.info.run_id == run
    assert later.info.run_name == "later"
    assert set(children) == set(TASKS)
    of_progress = {name for name in at_once.data.metrics if name.startswith("progress/")}
    assert of_progress
    assert later.data.metrics == {
        name: value for name, value in at_once.data.metrics.items() if name not in of_progress
    }
    assert later.data.params == at_once.data.params
    assert artifacts_of(client, later) == artifacts_of(client, at_once)
    took = (later.info.end_time - later.info.start_time) / 1000
    assert took == pytest.approx(results.work.seconds["total"], abs=0.01)


def test_groups_are_metrics_of_the_run(client: MlflowClient, experiment: str) -> None:
    results = make_results("A", {"one": 10, "two": 30}, groups={"both": ("one", "two")})
    ours.log_to_mlflow(results, experiment=experiment, report=False)
    parent, children = runs_of(client, experiment)
    assert set(children) == {"one", "two"}
    assert parent.data.metrics["both/acc"] == results["both"].metrics["acc"].value
    assert "report.html" not in artifacts_of(client, parent)


def test_undefined_scores_are_tags_and_pass_at_k_is_named(
    client: MlflowClient, experiment: str
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
    parent, children = runs_of(client, experiment)
    assert parent.data.metrics["code/pass_at_1"] == 0.5
    assert "code/pass_at_10" not in parent.data.metrics
    assert parent.data.tags["fastscore.undefined.code/pass_at_10"] == "no program was run"
    assert children["code"].data.tags["fastscore.undefined.pass_at_10"] == "no program was run"
    assert artifacts_of(client, children["code"]) == set()


def test_a_table_that_was_cut_says_so(client: MlflowClient, experiment: str) -> None:
    results = make_results("A", {"arc": 30})
    ours.log_to_mlflow(results, experiment=experiment, report=False, samples=10)
    _, children = runs_of(client, experiment)
    assert "the first 10 of 30 items" in children["arc"].data.tags["fastscore.samples"]


def test_a_negative_number_of_samples_is_refused(client: MlflowClient) -> None:
    with pytest.raises(UsageError, match="samples is -1"):
        ours.log_to_mlflow(make_results("A", {"arc": 3}), samples=-1)


def test_without_matplotlib_the_report_is_markdown(
    client: MlflowClient,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("fastscore.integrations.mlflow_runs.has_matplotlib", lambda: False)
    ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment)
    parent, _ = runs_of(client, experiment)
    assert "report.md" in artifacts_of(client, parent)
    assert "fastscore-gguf[report]" in caplog.text


def test_a_run_that_the_caller_began_is_used_and_left_open(
    client: MlflowClient, experiment: str
) -> None:
    number = client.create_experiment(experiment)
    with mlflow.start_run(experiment_id=number, run_name="mine") as mine:
        score(FakeModel(), TASKS, mlflow=True)
        assert mlflow.active_run().info.run_id == mine.info.run_id
        assert client.get_run(mine.info.run_id).info.status == "RUNNING"
    parent, children = runs_of(client, experiment)
    assert parent.info.run_name == "mine"
    assert "mini_qa/acc" in parent.data.metrics
    assert set(children) == set(TASKS)


def test_another_model_in_the_same_run_is_refused_before_it_runs(
    client: MlflowClient, experiment: str
) -> None:
    number = client.create_experiment(experiment)
    other = FakeModel(fingerprint="another")
    with mlflow.start_run(experiment_id=number):
        score(FakeModel(), "mini_qa", mlflow=True)
        with pytest.raises(UsageError, match=r"already has model.fingerprint = 'fake'"):
            score(other, "mini_qa", mlflow=True)
        with mlflow.start_run(nested=True, experiment_id=number) as nested:
            score(other, "mini_qa", mlflow=True)
    assert other.n_scored > 0
    assert client.get_run(nested.info.run_id).data.params["model.fingerprint"] == "another"


def test_a_run_of_another_experiment_is_refused(client: MlflowClient, experiment: str) -> None:
    number = client.create_experiment(experiment)
    model = FakeModel()
    with (
        mlflow.start_run(experiment_id=number),
        pytest.raises(UsageError, match="is not of the experiment 'elsewhere'"),
    ):
        score(model, "mini_qa", mlflow="elsewhere")
    assert model.n_scored == 0


def test_a_deleted_experiment_is_named(client: MlflowClient, experiment: str) -> None:
    client.delete_experiment(client.create_experiment(experiment))
    with pytest.raises(UsageError, match="was deleted"):
        score(FakeModel(), "mini_qa", mlflow=experiment)


def test_an_interrupted_run_is_killed(client: MlflowClient, experiment: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(FakeModel(stop_after=150), TASKS, mlflow=experiment)
    parent, children = runs_of(client, experiment)
    assert parent.info.status == "KILLED"
    assert "KeyboardInterrupt" in parent.data.tags["fastscore.error"]
    assert {name: run.info.status for name, run in children.items()} == {
        "mini_qa": "FINISHED",
        "mini_completion": "KILLED",
    }


def test_a_run_that_fails_is_marked(client: MlflowClient, experiment: str) -> None:
    def broken(prompt: str, number: int) -> str:
        raise MemoryError("no room for a text")

    task, rows = capitals()
    with pytest.raises(MemoryError):
        score(
            FakeModel(write=broken),
            [task, "gsm8k"],
            num_fewshot=0,
            rows={"capitals": rows, "gsm8k": [{"question": "1 + 1?", "answer": "#### 2"}]},
            mlflow=experiment,
        )
    parent, children = runs_of(client, experiment)
    assert parent.info.status == "FAILED"
    assert "no room for a text" in parent.data.tags["fastscore.error"]
    assert children["capitals"].info.status == "FINISHED"
    assert children["gsm8k"].info.status == "FAILED"


@pytest.mark.parametrize("kind", [mlflow.exceptions.MlflowException, ConnectionError])
def test_who_cannot_log_is_told_why(
    client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise kind("no such permission")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", refuse)
    with pytest.raises(ResultsError, match=r"127\.0\.0\.1.*no such permission"):
        ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment)
    parent, _ = runs_of(client, experiment)
    assert parent.info.status == "FAILED"


def test_a_server_that_is_not_there_is_named_before_anything_runs() -> None:
    model = FakeModel()
    address = f"http://somebody:secret@127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(ResultsError, match="cannot be reached") as raised:
        score(model, "mini_qa", observers=[ours.MlflowObserver("x", tracking_uri=address)])
    assert time.monotonic() - began < 10
    assert "http://127.0.0.1:" in str(raised.value)
    assert "Connection refused. Start it" in str(raised.value)
    assert "secret" not in str(raised.value)
    assert model.n_scored == 0


class _After(Observer):
    """Does something when the first task has ended."""

    def __init__(self, what: Callable[[], None]) -> None:
        self._what = what

    def task_ended(self, task: str, result: TaskResult) -> None:
        self._what()
        self._what = lambda: None


@pytest.mark.parametrize("how", ["shut", "silence"])
def test_a_server_that_goes_away_costs_no_results(
    client: MlflowClient,
    mlflow_server: str,
    experiment: str,
    how: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fastscore.integrations.mlflow_server.ANSWER_SECONDS", 1.0)
    door = Door(mlflow_server)
    tracker = ours.MlflowObserver(experiment, tracking_uri=door.address)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = score(FakeModel(), TASKS, observers=[_After(getattr(door, how)), tracker])
    assert time.monotonic() - began < 30
    assert set(results.tasks) == set(TASKS)
    assert "MlflowObserver failed" in caplog.text
    assert "cannot be reached" in caplog.text
    assert "log_to_mlflow(results)" in caplog.text
    ours.log_to_mlflow(results, experiment=f"{experiment} again")
    again, _ = runs_of(client, f"{experiment} again")
    assert again.info.status == "FINISHED"
    door.shut()
