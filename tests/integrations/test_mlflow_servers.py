"""Tracking servers that are not there, are slow, refuse, or go away while a run is logged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow_tracking import Door, free_port, runs_of

from fake_model import FakeModel
from fake_results import make_results
from fake_run import score
from fastscore.errors import ResultsError
from fastscore.observing import Observer
from fastscore.results import TaskResult

if TYPE_CHECKING:
    from mlflow import MlflowClient

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
databricks_pb2 = pytest.importorskip("mlflow.protos.databricks_pb2")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TASKS = ("mini_qa", "mini_completion")


@pytest.mark.parametrize("refusals", [1, 100])
def test_rows_that_another_run_brings_at_the_same_time_are_logged(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """What the server says to all but one of several runs with a data set that is new to it."""
    log, said = mlflow.MlflowClient.log_inputs, []

    def refuse(self: MlflowClient, run: str, rows: list[Any]) -> None:
        if len(said) < refusals:
            said.append(run)
            code = databricks_pb2.BAD_REQUEST
            raise mlflow.exceptions.MlflowException("UNIQUE constraint failed", code)
        log(self, run, rows)

    monkeypatch.setattr(mlflow.MlflowClient, "log_inputs", refuse)
    results = make_results("A", {"arc": 3})
    if refusals > 1:
        with pytest.raises(ResultsError, match="UNIQUE constraint failed"):
            ours.log_to_mlflow(results, experiment=experiment, report=False)
        assert len(said) < 10
        return
    run = ours.log_to_mlflow(results, experiment=experiment, report=False)
    assert len(mlflow_client.get_run(run).inputs.dataset_inputs) == 1


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sqlite:///{folder}/notes.txt", "notes.txt cannot be used: file is not a database"),
        ("sqlite:///{folder}/nowhere/runs.db", "cannot be used: unable to open database file"),
        ("postgresql+nosuchdriver://somebody:secret@127.0.0.1:1/runs", "nosuchdriver"),
    ],
)
def test_a_database_that_cannot_be_used_is_no_fault_of_ours(
    tmp_path: Path, uri: str, message: str
) -> None:
    (tmp_path / "notes.txt").write_text("not a database " * 100)
    address = uri.format(folder=tmp_path)
    with pytest.raises(ResultsError, match=message) as raised:
        ours.log_to_mlflow(make_results("A", {"arc": 3}), tracking_uri=address)
    assert "secret" not in str(raised.value)


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


def test_a_server_that_is_busy_with_our_files_is_waited_for(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastscore.integrations.mlflow import server

    busy = threading.Event()
    ask, log, asked = server.http_request, mlflow.MlflowClient.log_artifacts, []

    def answer_late(*arguments: Any, timeout: float, **options: Any) -> Any:
        if busy.is_set():
            asked.append(timeout)
            if timeout < 20:
                raise ConnectionError("Read timed out")
        return ask(*arguments, timeout=timeout, **options)

    def upload(*arguments: Any) -> None:
        busy.set()
        while not asked:
            time.sleep(0.01)
        log(*arguments)
        busy.clear()

    monkeypatch.setattr(server, "http_request", answer_late)
    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", upload)
    monkeypatch.setattr("fastscore.integrations.mlflow.worker.WATCH_SECONDS", 0.02)
    score(FakeModel(), TASKS, mlflow=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    assert parent.info.status == "FINISHED"


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a second for a server that is known to be gone; one that is there may take its time."""
    for wait in ("ANSWER_SECONDS", "BUSY_SECONDS"):
        monkeypatch.setattr(f"fastscore.integrations.mlflow.server.{wait}", 1.0)


@pytest.mark.parametrize("how", ["shut", "silence"])
def test_a_server_that_goes_away_while_results_are_logged_is_said_soon(
    mlflow_client: MlflowClient,
    mlflow_server: str,
    experiment: str,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door, log = Door(mlflow_server), mlflow.MlflowClient.log_inputs

    def go_away(*arguments: Any) -> None:
        impatient(monkeypatch)
        getattr(door, how)()
        log(*arguments)

    monkeypatch.setattr(mlflow.MlflowClient, "log_inputs", go_away)
    results = make_results("A", {"arc": 3})
    began = time.monotonic()
    with pytest.raises(ResultsError, match="cannot be reached"):
        ours.log_to_mlflow(results, experiment=experiment, tracking_uri=door.address)
    assert time.monotonic() - began < 120  # MLflow alone would try for 246
    door.shut()


@pytest.mark.parametrize("how", ["shut", "silence"])
def test_a_server_that_goes_away_costs_no_results(
    mlflow_client: MlflowClient,
    mlflow_server: str,
    experiment: str,
    how: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    door = Door(mlflow_server)

    def go_away() -> None:
        impatient(patience)
        getattr(door, how)()

    tracker = ours.MlflowObserver(experiment, tracking_uri=door.address)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING, "fastscore"), monkeypatch.context() as patience:
        results = score(FakeModel(), TASKS, observers=[_After(go_away), tracker])
    assert time.monotonic() - began < 120  # MLflow alone would try for 246
    assert set(results.tasks) == set(TASKS)
    assert "MlflowObserver failed" in caplog.text
    assert "cannot be reached" in caplog.text
    assert "log_to_mlflow(results)" in caplog.text
    ours.log_to_mlflow(results, experiment=f"{experiment} again")
    again, _ = runs_of(mlflow_client, f"{experiment} again")
    assert again.info.status == "FINISHED"
    door.shut()
