"""What becomes of MLflow's runs where a run of fastscore, or its logging, ends early."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING

import pytest
from mlflow_tracking import runs_of

from fake_model import FakeModel
from fake_results import make_results
from fake_run import capitals, score
from fastscore.errors import ResultsError

if TYPE_CHECKING:
    from mlflow import MlflowClient

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TASKS = ("mini_qa", "mini_completion")


def test_an_interrupted_run_is_killed(mlflow_client: MlflowClient, experiment: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(FakeModel(stop_after=150), TASKS, mlflow=experiment)
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.status == "KILLED"
    assert "KeyboardInterrupt" in parent.data.tags["fastscore.error"]
    assert {name: run.info.status for name, run in children.items()} == {
        "mini_qa": "FINISHED",
        "mini_completion": "KILLED",
    }


def test_ctrl_c_while_the_server_takes_its_time_ends_the_run(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()

    def slow(*_: object, **__: object) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)  # type: ignore[arg-type]
        assert answered.wait(30)

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", slow)
    with pytest.raises(KeyboardInterrupt, match="the same command has the results at once"):
        score(FakeModel(), TASKS, mlflow=experiment)
    answered.set()
    parent, _ = runs_of(mlflow_client, experiment)
    assert parent.info.status == "KILLED"
    again = FakeModel()
    score(again, TASKS)
    assert again.n_scored == 0


def test_what_a_worker_has_not_begun_when_waiting_ends_is_not_begun() -> None:
    free = threading.Event()
    done: list[str] = []

    def first() -> None:
        assert free.wait(30)
        done.append("first")

    worker = ours.observer.Worker()
    worker.add(first)
    worker.add(lambda: done.append("second"))
    worker.finish(lambda: None, at_most=0.05)
    free.set()
    worker._thread.join(30)
    assert done == ["first"]


def test_a_run_is_marked_though_an_upload_outlasts_the_wait(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr("fastscore.integrations.mlflow.observer._GOODBYE_SECONDS", 0.1)
    monkeypatch.setattr(ours.observer.TrackedRun, "start_task", lambda *_: free.wait(60))
    with pytest.raises(KeyboardInterrupt):
        score(FakeModel(stop_after=50), TASKS, mlflow=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    free.set()
    assert parent.info.status == "KILLED"


def test_a_run_that_fails_is_marked(mlflow_client: MlflowClient, experiment: str) -> None:
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
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.status == "FAILED"
    assert "no room for a text" in parent.data.tags["fastscore.error"]
    assert children["capitals"].info.status == "FINISHED"
    assert children["gsm8k"].info.status == "FAILED"


@pytest.mark.parametrize("kind", [mlflow.exceptions.MlflowException, ConnectionError, ImportError])
def test_who_cannot_log_is_told_why(
    mlflow_client: MlflowClient,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Exception],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise kind("no such permission")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", refuse)
    with pytest.raises(ResultsError, match=r"127\.0\.0\.1.*no such permission"):
        ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    assert parent.info.status == "FAILED"


def test_results_whose_logging_is_interrupted_are_a_killed_run(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment)
    parent, _ = runs_of(mlflow_client, experiment)
    assert parent.info.status == "KILLED"


@pytest.mark.parametrize("call", ["log_inputs", "log_artifacts"])
def test_a_run_that_cannot_be_logged_whole_does_not_go_on_for_ever(
    mlflow_client: MlflowClient,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    call: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'boto3'")

    monkeypatch.setattr(mlflow.MlflowClient, call, refuse)
    with caplog.at_level(logging.WARNING, "fastscore"):
        score(FakeModel(), TASKS, mlflow=experiment)
    assert "log_to_mlflow(results)" in caplog.text
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.status == "FAILED"
    assert "boto3" in parent.data.tags["fastscore.error"]
    assert "RUNNING" not in {run.info.status for run in children.values()}
