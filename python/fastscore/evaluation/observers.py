"""The observers that a run is asked to have by name; their tools are imported only then."""

from __future__ import annotations

from collections.abc import Iterator

from fastscore.errors import UsageError
from fastscore.observing import Observer


def asked_for(mlflow: bool | str | None, tracing: bool | float | None) -> Iterator[Observer]:
    """Make the observers behind `evaluate`'s ``mlflow`` and ``tracing``; none for False and None.

    Raises UsageError for a value that is neither, MissingToolError where the tool is not installed.
    """
    if mlflow is not None and mlflow is not False:
        from fastscore.integrations.mlflow import MlflowObserver

        if not (mlflow is True or (isinstance(mlflow, str) and mlflow.strip())):
            raise UsageError(f"mlflow is {mlflow!r}; give True, or the name of an experiment")
        yield MlflowObserver(None if mlflow is True else mlflow)
    if tracing is not None and tracing is not False:
        from fastscore.integrations.opentelemetry import TracingObserver

        yield TracingObserver() if tracing is True else TracingObserver(tracing)
