"""A GGUF file as one of MLflow's models: saved, logged, loaded back, served."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fastscore.assistant import Assistant
from fastscore.errors import ModelError, UsageError
from fastscore.integrations.missing import missing_tool
from fastscore.integrations.mlflow.server import Server, mlflow
from fastscore.model import Model
from fastscore.model.fingerprint import fingerprint, model_files
from fastscore.model.locate import locate
from fastscore.settings import check_model_options

try:
    import pandas as pd
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
except ImportError as error:
    raise missing_tool("MLflow with what mlflow.pyfunc needs", "mlflow", error) from error

_CODE = Path(__file__).with_name("model_code.py")
_COLUMNS = ("prompt", "messages")

SIGNATURE = ModelSignature(
    outputs=Schema([ColSpec("string")]),
    params=ParamSchema(
        [
            ParamSpec("max_tokens", "integer", 256),
            ParamSpec("temperature", "double", 0.0),
            ParamSpec("seed", "integer", 1234),
            ParamSpec("stop", "string", [], shape=(-1,)),
            ParamSpec("chat", "boolean", True),
        ]
    ),
)
"""Texts out, and the parameters with their defaults.

What goes in has no schema, because any that takes prompts as well as conversations makes MLflow cut
a table of several columns to the first one without a word; `FastscoreModel.predict` checks it.

``max_tokens``: most tokens of an answer. ``temperature``: 0 takes the likeliest token each time.
``seed``: of the random numbers. ``stop``: texts that end an answer. ``chat``: whether a prompt is a
user's turn, put into the file's chat template, or a text to be continued as it is.
"""


class FastscoreModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # MLflow need not be there
    """A GGUF model that answers prompts and conversations; `log_model` and `save_model` save it.

    ``mlflow.pyfunc.load_model(uri).predict(asked, params={"max_tokens": 64})`` gives a text for
    each row of ``asked``: a list of prompts and conversations, which are lists of mappings with
    ``role`` and ``content``; or a data frame with a column ``prompt`` or ``messages`` of them. Rows
    are answered together.
    """

    def load_context(self, context: Any) -> None:
        """Open the model: the file that was saved, or the one that was referred to.

        Raises ModelError where the latter is not there, or is not what it was.
        """
        config = dict(context.model_config or {})
        options = config.get("options") or {}
        wanted = config["fingerprint"]
        path = Path((context.artifacts or {}).get("gguf") or config["path"])
        if not path.is_file():
            raise ModelError(
                f"{path} is not there; this model was saved with a reference to that file "
                "(copy=False). Put it back, or save the model with the file itself"
            )
        if fingerprint(path) != wanted:
            raise ModelError(
                f"{path} is not the file that this model was saved with: its SHA-256 is "
                f"{fingerprint(path)}, and {wanted} was saved"
            )
        self._assistant = Assistant(path, **options)

    def predict(
        self,
        context: Any,
        model_input: pd.DataFrame,  # or one of the others; MLflow takes other hints for a schema
        params: Mapping[str, Any] | None = None,
    ) -> list[str]:
        """Answer each row; UsageError for what is no prompt and no conversation."""
        given = {**{one.name: one.default for one in SIGNATURE.params.params}, **(params or {})}
        asked = [_read(row, i) for i, row in enumerate(_rows(model_input))]
        written: dict[str, Any] = {
            "max_tokens": int(given["max_tokens"]),
            "temperature": float(given["temperature"]),
            "seed": int(given["seed"]),
            "stop": [str(text) for text in given["stop"]],
        }
        if given["chat"]:
            return [one.text for one in self._assistant.answer(asked, **written)]
        return self._continue(asked, written)

    def _continue(self, asked: Sequence[Any], written: Mapping[str, Any]) -> list[str]:
        """Go on with texts as they are; UsageError for what is none, or leaves no room."""
        model: Model = self._assistant.model
        window = model.settings.max_length
        for number, text in enumerate(asked):
            if not isinstance(text, str):
                raise UsageError(f"row {number} is a conversation; only texts are for chat=False")
            n_tokens = len(model.tokenize(text))
            if n_tokens + written["max_tokens"] > window:
                raise UsageError(
                    f"row {number} has {n_tokens} tokens, its text up to {written['max_tokens']}, "
                    f"and the window is {window}; shorten it, lower max_tokens, or save the model "
                    "with a larger n_ctx"
                )
        return [one[0].text for one in model.generate(list(asked), **written)]


def log_model(
    model: str | Path,
    name: str = "model",
    *,
    copy: bool = True,
    options: Mapping[str, Any] | None = None,
    **log_options: Any,
) -> Any:
    """Log a GGUF file as a model of the active run, and return MLflow's ``ModelInfo`` of it.

    >>> info = log_model("model.gguf", registered_model_name="assistant")  # doctest: +SKIP
    >>> mlflow.pyfunc.load_model(info.model_uri).predict(["Who are you?"])  # doctest: +SKIP

    Parameters
    ----------
    model
        A GGUF file, ``"demo"`` or ``"hf://owner/repo/file.gguf"``; of a model in several files,
        all are meant.
    name
        Of the logged model.
    copy
        Whether the file goes to the server, all of its gigabytes: then the model can be loaded
        anywhere. False keeps its path and SHA-256 instead, for machines that have it there.
    options
        For `Model` when it is loaded: ``n_ctx``, ``n_threads``, ``n_gpu_layers``, ...
    log_options
        Of ``mlflow.pyfunc.log_model``: ``registered_model_name``, ``tags``, ``metadata``, ...

    Raises
    ------
    UsageError, ModelError
        The file is not there, or a model has no such option.
    ResultsError
        The tracking server cannot be reached.

    """
    Server()  # one that is not there is known before gigabytes are read
    with _without_advice():
        return mlflow.pyfunc.log_model(name=name, **_saved_as(model, copy, options), **log_options)


def save_model(
    model: str | Path,
    path: str | Path,
    *,
    copy: bool = True,
    options: Mapping[str, Any] | None = None,
    **save_options: Any,
) -> None:
    """Save a GGUF file as a model in a directory; the arguments are those of `log_model`."""
    with _without_advice():
        mlflow.pyfunc.save_model(path=str(path), **_saved_as(model, copy, options), **save_options)


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence MLflow's advice to give an example: it would open the model to try that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*An input example was not provided")
        yield


def _saved_as(model: str | Path, copy: bool, options: Mapping[str, Any] | None) -> dict[str, Any]:
    check_model_options(options or {}, ())
    located = locate(model)
    files = model_files(located.path)
    # The configuration is YAML, which has no paths.
    written = {name: str(v) if isinstance(v, Path) else v for name, v in (options or {}).items()}
    config = {"fingerprint": fingerprint(located.path), "options": written}
    if not copy:
        config["path"] = str(located.path.absolute())
    names = ["gguf", *(f"gguf_{i}" for i in range(2, len(files) + 1))]
    return {
        "python_model": str(_CODE),
        "artifacts": dict(zip(names, map(str, files), strict=True)) if copy else None,
        "model_config": config,
        "signature": SIGNATURE,
        "pip_requirements": [
            f"fastscore-gguf=={version('fastscore-gguf')}",
            f"llama-cpp-python=={version('llama-cpp-python')}",
            f"mlflow=={mlflow.__version__}",
        ],
    }


def _rows(model_input: Any) -> list[Any]:
    if isinstance(model_input, pd.DataFrame):
        return _column(model_input.to_dict("list"))
    if isinstance(model_input, Mapping):
        return _column(model_input)
    rows: list[Any] = [model_input] if isinstance(model_input, str) else list(model_input)
    if rows and all(isinstance(row, Mapping) and "role" not in row for row in rows):
        return [_column({name: [value] for name, value in row.items()})[0] for row in rows]
    return _conversations(rows)


def _column(table: Mapping[Any, Sequence[Any]]) -> list[Any]:
    found = [name for name in _COLUMNS if name in table]
    if len(found) != 1:
        raise UsageError(
            f"the columns are {', '.join(map(str, table)) or 'none'}; one of them has to be prompt "
            "(of texts) or messages (of conversations), and not both"
        )
    return _conversations(list(table[found[0]]))


def _conversations(rows: list[Any]) -> list[Any]:
    """Take turns that stand alone for the one conversation that they are."""
    turns = [isinstance(row, Mapping) and "role" in row for row in rows]
    return [rows] if rows and all(turns) else rows


def _read(row: Any, number: int) -> str | list[Any]:
    if isinstance(row, str):
        return row
    turns = row.tolist() if hasattr(row, "tolist") else row  # an array, as servers make of lists
    if isinstance(turns, list) and all(isinstance(turn, Mapping) for turn in turns):
        return [dict(turn) for turn in turns]
    raise UsageError(
        f"row {number} is {row!r:.100}; it has to be a text, or a conversation: a list of mappings "
        "with role and content"
    )
