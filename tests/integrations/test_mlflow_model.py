"""GGUF files as models of MLflow: saved, logged to a real server, loaded in another process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow_tracking import free_port

from fastscore.assistant import Assistant
from fastscore.errors import ModelError, ResultsError, UsageError
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
pd = pytest.importorskip("pandas", reason="MLflow's models need pandas")
ours = pytest.importorskip("fastscore.integrations.mlflow")

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore:.*Any type hint:UserWarning",  # of MLflow's own classes
)

SHORT = {"max_tokens": 6}
TURNS = [{"role": "user", "content": "The river"}]


@pytest.fixture(scope="module")
def gguf(tiny_model: TinyModel) -> Path:
    return tiny_model("llama", n_ctx_train=512, chat_template=CHAT_TEMPLATE)


@pytest.fixture(scope="module")
def assistant(gguf: Path) -> Iterator[Assistant]:
    with Assistant(gguf, n_threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def loaded(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("saved") / "model"
    ours.save_model(gguf, folder, options={"n_threads": 1})
    return mlflow.pyfunc.load_model(str(folder))


def test_a_logged_model_answers_in_another_process(
    gguf: Path, assistant: Assistant, mlflow_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "Default")
    with mlflow.start_run():
        info = ours.log_model(gguf, "tiny", options={"n_threads": 1}, registered_model_name="tiny")
    model = mlflow.MlflowClient().get_logged_model(info.model_id)
    assert (model.name, model.status) == ("tiny", "READY")
    code = (
        "import json, mlflow; model = mlflow.pyfunc.load_model('models:/tiny/1'); "
        f"print(json.dumps(model.predict(['The river', {TURNS!r}], params={SHORT!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    expected = [one.text for one in assistant.answer(["The river", TURNS], **SHORT)]
    assert json.loads(done.stdout.splitlines()[-1]) == expected


def test_what_it_needs_is_listed(gguf: Path, tmp_path: Path) -> None:
    ours.save_model(gguf, tmp_path / "model")
    wanted = (tmp_path / "model/requirements.txt").read_text().splitlines()
    assert [line.partition("==")[0] for line in wanted] == [
        "fastscore-gguf",
        "llama-cpp-python",
        "mlflow",
    ]
    assert (tmp_path / "model/artifacts" / gguf.name).read_bytes() == gguf.read_bytes()


def test_prompts_and_conversations_in_every_shape(loaded: Any, assistant: Assistant) -> None:
    longer = [*TURNS, {"role": "assistant", "content": "is"}, {"role": "user", "content": "Why?"}]
    [text] = [one.text for one in assistant.answer(["The river"], **SHORT)]
    [why] = [one.text for one in assistant.answer([longer], **SHORT)]
    shapes: list[tuple[Any, list[str]]] = [
        ("The river", [text]),
        (["The river"] * 2, [text] * 2),
        (pd.DataFrame({"id": ["1"], "prompt": ["The river"]}), [text]),
        ({"prompt": ["The river"]}, [text]),
        ([{"prompt": "The river"}], [text]),
        (TURNS, [text]),
        ([TURNS, longer], [text, why]),
        ({"messages": longer}, [why]),
        (pd.DataFrame({"messages": [TURNS, longer]}), [text, why]),
        ([{"messages": longer}], [why]),
        ([], []),
    ]
    for asked, expected in shapes:
        assert loaded.predict(asked, params=SHORT) == expected, asked


def test_parameters(loaded: Any, assistant: Assistant) -> None:
    plain = assistant.model.generate("The river", max_tokens=9)[0].text
    assert loaded.predict(["The river"], params={"max_tokens": 9, "chat": False}) == [plain]
    warm = {"temperature": 2.0, "max_tokens": 12}
    first, again, other = (
        loaded.predict(["The river"], params={**warm, "seed": seed}) for seed in (1, 1, 2)
    )
    assert first == again != other
    letter = plain[3]
    [stopped] = loaded.predict(
        ["The river"], params={"max_tokens": 9, "chat": False, "stop": [letter]}
    )
    assert stopped == plain[: plain.index(letter)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([3], "row 0 is 3"),
        (["a", TURNS[0]], "row 1 is {'role'"),
        (pd.DataFrame({"question": ["a"]}), "the columns are question"),
        (pd.DataFrame({"prompt": ["a"], "messages": [TURNS]}), "and not both"),
        ([[{"content": "a"}]], "a message is"),
        (["long " * 600], "the window is 512"),
    ],
)
def test_what_cannot_be_answered_is_refused(loaded: Any, asked: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        loaded.predict(asked, params=SHORT)


def test_texts_to_go_on_with_are_checked_too(loaded: Any) -> None:
    with pytest.raises(UsageError, match="row 1 is a conversation"):
        loaded.predict(["a", TURNS], params={"chat": False})
    with pytest.raises(UsageError, match=r"row 0 has \d+ tokens.*window is 512"):
        loaded.predict(["long " * 600], params={"chat": False})


def test_a_file_that_is_referred_to_must_stay_what_it_is(gguf: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    shutil.copy(gguf, own)
    ours.save_model(own, tmp_path / "model", copy=False, options={"n_threads": 1})
    assert not list((tmp_path / "model").rglob("*.gguf"))
    model = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert len(model.predict(["The river"], params=SHORT)) == 1
    own.write_bytes(gguf.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="is not the file that this model was saved with"):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))
    own.unlink()
    with pytest.raises(ModelError, match="is not there"):
        mlflow.pyfunc.load_model(str(tmp_path / "model"))


def test_a_path_among_the_options_is_kept_as_a_text(gguf: Path, tmp_path: Path) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    ours.save_model(gguf, tmp_path / "model", options={"n_threads": 1, "tokenizer": tokenizer})
    model = mlflow.models.Model.load(str(tmp_path / "model"))
    kept = model.flavors["python_function"]["config"]["options"]
    assert kept == {"n_threads": 1, "tokenizer": str(tokenizer)}


def test_a_server_that_is_not_there_is_known_before_the_file_is_read(
    gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("fastscore.integrations.mlflow.model.fingerprint", pytest.fail)
    with pytest.raises(ResultsError, match="cannot be reached"):
        ours.log_model(gguf)


def test_no_model_is_saved_that_could_not_be_loaded(gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no option 'n_thread'; did you mean n_threads"):
        ours.save_model(gguf, tmp_path / "model", options={"n_thread": 1})
    with pytest.raises(UsageError, match=r"there is no file .*missing\.gguf"):
        ours.save_model(tmp_path / "missing.gguf", tmp_path / "model")
