"""Runs of fastscore on MLflow's tracking server.

>>> from fastscore import evaluate
>>> evaluate("model.gguf", "arc_easy", mlflow="my experiment")  # doctest: +SKIP

logs while it runs; `log_to_mlflow` logs results that are there. Where to is MLflow's own setting:
``mlflow.set_tracking_uri`` or ``MLFLOW_TRACKING_URI``.

What is logged: parameters of model, settings, engine, libraries and computer; the metrics
``arc_easy/acc_norm`` of each task and group, with ``_stderr``, ``_ci95_low`` and ``_ci95_high``
beside each; the file's SHA-256 as the tag ``fastscore.fingerprint``; the rows as data sets; results
and report as artifacts; and a nested run for each task, with its metrics by their plain names
(``acc_norm``), so that tasks can be compared as well, and a table of its first items. A score that
is undefined is no metric but a tag ``fastscore.undefined.<name>`` that says why.

Importing this module first turns MLflow's telemetry off, unless ``MLFLOW_DISABLE_TELEMETRY`` or
``DO_NOT_TRACK`` is set; who imports mlflow first has his own way. ``mlflow-skinny`` is enough for
logging, and quicker to import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastscore.integrations.mlflow.observer import MlflowObserver, log_to_mlflow

if TYPE_CHECKING:
    from fastscore.integrations.mlflow.judge import OptionJudge
    from fastscore.integrations.mlflow.model import FastscoreModel, log_model, save_model

__all__ = [
    "FastscoreModel",
    "MlflowObserver",
    "OptionJudge",
    "log_model",
    "log_to_mlflow",
    "save_model",
]

_HOME = {
    "OptionJudge": "fastscore.integrations.mlflow.judge",
    "FastscoreModel": "fastscore.integrations.mlflow.model",
    "log_model": "fastscore.integrations.mlflow.model",
    "save_model": "fastscore.integrations.mlflow.model",
}


def __getattr__(name: str) -> Any:
    # Judge and model need more of MLflow than mlflow-skinny has.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
