"""``fastscore run --mlflow`` and ``fastscore export --format mlflow``, with a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow_tracking import free_port

from fake_model import FakeModel
from fake_run import score
from fastscore.cli import main

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def command(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["fastscore", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code if isinstance(ended.value.code, int) else 0


def parents(experiment: str) -> list[Any]:
    client = mlflow.MlflowClient()
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return [run for run in found if "mlflow.parentRunId" not in run.data.tags]


def test_the_demo_model_is_scored_and_logged(
    mlflow_server: str,
    demo_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    options = ("--tasks", "mini_qa", "--limit", 4, "--threads", 1, "--json")
    assert command(monkeypatch, "run", demo_model, *options, "--mlflow", "from the shell") == 0
    said = capfd.readouterr()
    results = json.loads(said.out)  # and nothing else
    [run] = parents("from the shell")
    assert f"MLflow has it: {mlflow_server}/#/experiments/" in said.err
    assert run.info.run_id in said.err
    metrics = results["tasks"]["mini_qa"]["metrics"]
    assert run.data.metrics["mini_qa/acc"] == metrics["acc"]["value"]
    assert run.data.tags["fastscore.fingerprint"] == results["model"]["fingerprint"]
    assert len(run.data.tags["fastscore.fingerprint"]) == 64


def test_saved_results_are_logged(
    mlflow_server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    results = score(FakeModel(), "mini_qa")
    results.save(tmp_path)
    options = ("--format", "mlflow", "--experiment", "saved before")
    assert command(monkeypatch, "export", tmp_path, *options) == 0
    [run] = parents("saved before")
    assert run.info.run_id in capfd.readouterr().err
    value = results["mini_qa"].metrics["acc"].value
    assert run.data.metrics["mini_qa/acc"] == value
    assert not (tmp_path / "mlflow").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "mlflow", "-o", "out"), "writes no files"),
        (("--format", "lm-eval", "--experiment", "x"), "--experiment is for --format mlflow"),
    ],
)
def test_options_of_another_format_are_refused(
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, "export", tmp_path, *options) == 2
    assert message in capfd.readouterr().err


def test_a_server_that_is_not_there_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert command(monkeypatch, "run", "demo", "--tasks", "mini", "--mlflow", "x") == 1
    said = capfd.readouterr().err
    assert f"MLflow's tracking server {address} cannot be reached" in said
    assert "Traceback" not in said


def test_mlflow_takes_the_spans_of_a_run(
    mlflow_server: str,
    demo_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="no exporter here")
    client = mlflow.MlflowClient(mlflow_server)
    number = client.create_experiment("spans")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{mlflow_server}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", f"x-mlflow-experiment-id={number}")
    options = ("--tasks", "mini_qa", "--limit", 2, "--threads", 1, "--quiet", "--trace")
    assert command(monkeypatch, "run", demo_model, *options) == 0
    assert capfd.readouterr().err == ""
    [trace] = client.search_traces(locations=[number])
    kinds = {span.name: span.span_type for span in trace.data.spans}
    assert kinds == {
        "evaluate mini_qa": "CHAIN",
        "mini_qa": "EVALUATOR",
        "mini_qa #0": "LLM",
        "mini_qa #1": "LLM",
    }
    [prompt] = [span.inputs for span in trace.data.spans if span.name == "mini_qa #0"]
    assert prompt.endswith("Answer:")


def test_importing_the_adapter_sends_nothing_home() -> None:
    code = (
        "import os\n"
        "for name in ('MLFLOW_DISABLE_TELEMETRY', 'DO_NOT_TRACK', 'PYTEST_CURRENT_TEST', 'CI'):\n"
        "    os.environ.pop(name, None)\n"
        "import fastscore.integrations.mlflow\n"
        "from mlflow.telemetry import get_telemetry_client\n"
        "print(get_telemetry_client(), os.environ['MLFLOW_DISABLE_TELEMETRY'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "true"]
