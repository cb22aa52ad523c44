"""Which experiment and which run of MLflow's a run of fastscore is logged to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mlflow_tracking import Door, runs_of

from fake_model import FakeModel
from fake_results import make_results
from fake_run import score
from fastscore.errors import ResultsError, UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

TASKS = ("mini_qa", "mini_completion")


def test_a_run_that_the_caller_began_is_used_and_left_open(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    number = mlflow_client.create_experiment(experiment)
    with mlflow.start_run(experiment_id=number, run_name="mine") as mine:
        score(FakeModel(), TASKS, mlflow=True)
        assert mlflow.active_run().info.run_id == mine.info.run_id
        assert mlflow_client.get_run(mine.info.run_id).info.status == "RUNNING"
    parent, children = runs_of(mlflow_client, experiment)
    assert parent.info.run_name == "mine"
    assert "mini_qa/acc" in parent.data.metrics
    assert set(children) == set(TASKS)


def test_another_model_in_the_same_run_is_refused_before_it_runs(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    number = mlflow_client.create_experiment(experiment)
    other = FakeModel(fingerprint="another")
    with mlflow.start_run(experiment_id=number):
        score(FakeModel(), "mini_qa", mlflow=True)
        with pytest.raises(UsageError, match=r"already has model.fingerprint = 'fake'"):
            score(other, "mini_qa", mlflow=True)
        with mlflow.start_run(nested=True, experiment_id=number) as nested:
            score(other, "mini_qa", mlflow=True)
    assert other.n_scored > 0
    assert mlflow_client.get_run(nested.info.run_id).data.params["model.fingerprint"] == "another"


def test_a_run_of_another_experiment_is_refused(
    mlflow_client: MlflowClient, experiment: str
) -> None:
    number = mlflow_client.create_experiment(experiment)
    model = FakeModel()
    with (
        mlflow.start_run(experiment_id=number),
        pytest.raises(UsageError, match="is not of the experiment 'elsewhere'"),
    ):
        score(model, "mini_qa", mlflow="elsewhere")
    assert model.n_scored == 0
    assert mlflow_client.get_experiment_by_name("elsewhere") is None  # nor is it made


def test_the_run_that_the_environment_names_is_used_and_left_open(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a project, whose run `mlflow run` begins and ends."""
    number = mlflow_client.create_experiment(experiment)
    of_project = mlflow_client.create_run(number, run_name="project").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", of_project)
    score(FakeModel(), TASKS, mlflow=experiment)
    parent, children = runs_of(mlflow_client, experiment)
    assert (parent.info.run_id, parent.info.status) == (of_project, "RUNNING")
    assert "mini_qa/acc" in parent.data.metrics
    assert set(children) == set(TASKS)
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with pytest.raises(ResultsError, match="0" * 32):
        score(FakeModel(), "mini_qa", mlflow=experiment)


def test_a_deleted_experiment_is_named(mlflow_client: MlflowClient, experiment: str) -> None:
    mlflow_client.delete_experiment(mlflow_client.create_experiment(experiment))
    with pytest.raises(UsageError, match="was deleted"):
        score(FakeModel(), "mini_qa", mlflow=experiment)


def test_an_experiment_that_another_run_makes_meanwhile_is_used(
    mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = mlflow_client.create_experiment(experiment)
    look = mlflow.MlflowClient.get_experiment_by_name
    too_early = [None]
    monkeypatch.setattr(
        mlflow.MlflowClient,
        "get_experiment_by_name",
        lambda self, name: too_early.pop() if too_early else look(self, name),
    )
    run = ours.log_to_mlflow(make_results("A", {"arc": 3}), experiment=experiment, report=False)
    assert mlflow_client.get_run(run).info.experiment_id == number


@pytest.mark.parametrize("name", ["", " ", 3])
def test_what_is_no_name_of_an_experiment_is_refused_before_a_server_is_asked(
    name: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastscore.integrations.mlflow.observer.Server", pytest.fail)
    results, observer = make_results("A", {"arc": 3}), ours.MlflowObserver
    for log in (lambda: ours.log_to_mlflow(results, experiment=name), lambda: observer(name)):
        with pytest.raises(UsageError, match=f"the experiment is {name!r}; give its name"):
            log()


@pytest.fixture
def active(mlflow_client: MlflowClient, experiment: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The number of an active experiment, which MLflow writes into the environment as well."""
    monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return str(mlflow.set_experiment(experiment).experiment_id)


def test_the_active_experiment_is_used(mlflow_client: MlflowClient, active: str) -> None:
    run = ours.log_to_mlflow(make_results("A", {"arc": 3}), report=False)
    assert mlflow_client.get_run(run).info.experiment_id == active


def test_an_address_that_ends_otherwise_is_the_same_server(
    mlflow_client: MlflowClient, mlflow_server: str, active: str
) -> None:
    results = make_results("A", {"arc": 3})
    run = ours.log_to_mlflow(results, tracking_uri=f"{mlflow_server}/", report=False)
    assert mlflow_client.get_run(run).info.experiment_id == active


@pytest.mark.parametrize("set_in_the_shell", [False, True])
def test_the_number_of_an_experiment_says_nothing_to_another_server(
    mlflow_client: MlflowClient,
    mlflow_server: str,
    active: str,
    set_in_the_shell: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if set_in_the_shell:  # for the server that the shell names
        monkeypatch.setattr("mlflow.tracking.fluent._active_experiment_id", None)
    door = Door(mlflow_server)  # to MLflow another server, though with the same experiments
    run = ours.log_to_mlflow(make_results("A", {"arc": 3}), tracking_uri=door.address, report=False)
    assert mlflow_client.get_run(run).info.experiment_id == "0"
    door.shut()


@pytest.mark.parametrize("variable", ["MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"])
def test_the_environment_names_the_experiment_of_any_server(
    mlflow_server: str,
    experiment: str,
    variable: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where MLflow's own database would be
    client = mlflow.MlflowClient(mlflow_server)
    number = client.create_experiment(experiment)
    value = experiment if variable.endswith("NAME") else number
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv(variable, value)
    run = ours.log_to_mlflow(
        make_results("A", {"arc": 3}), tracking_uri=mlflow_server, report=False
    )
    assert client.get_run(run).info.experiment_id == number
