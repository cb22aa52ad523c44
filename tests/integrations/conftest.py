"""What the tests of adapters share."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from mlflow_tracking import tracking_server

from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

# Before the data sets library is imported: it would look for what is new on the hub.
os.environ["HF_DATASETS_OFFLINE"] = "1"
# Before DeepEval is: it would make a folder here for what it reports.
os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "1"
# Before MLflow is, here and in the processes that tests start.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture
def event_loop() -> Iterator[None]:
    """An event loop for code that takes, or makes and leaves open, the one of its thread."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="session")
def manager() -> Any:
    """lm-eval's index of its tasks, which takes seconds to make."""
    tasks = pytest.importorskip("lm_eval.tasks", reason="lm-eval is not installed")
    return tasks.TaskManager()


@pytest.fixture(scope="session")
def lm(tiny_model: TinyModel) -> Iterator[Any]:
    """A tiny model behind lm-eval's interface: BOS in front, a chat template, a long window."""
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    from fastscore.integrations.lm_eval import FastscoreLM

    path = tiny_model("llama", n_ctx_train=8192, chat_template=CHAT_TEMPLATE, add_bos=True)
    with FastscoreLM(path, n_threads=1, max_gen_toks=48) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_lm(tiny_model: TinyModel) -> Iterator[Any]:
    """The same with a window so small that a long text does not fit."""
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    from fastscore.integrations.lm_eval import FastscoreLM

    path = tiny_model("llama", chat_template=CHAT_TEMPLATE, add_bos=True)
    with FastscoreLM(path, n_threads=1, max_length=48, max_gen_toks=12) as opened:
        yield opened


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an MLflow tracking server that the tests of this session share."""
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def mlflow_client(mlflow_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of MLflow's for that server, which is the one in use; no run is left active."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    yield mlflow.MlflowClient(mlflow_server)
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def recorder() -> Iterator[Any]:
    """A tracer provider of OpenTelemetry's that keeps its spans."""
    from opentelemetry_recording import Recorder

    one = Recorder()
    yield one
    one.provider.shutdown()


@pytest.fixture
def experiment(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return re.sub(r"\W+", " ", request.node.name).strip()
