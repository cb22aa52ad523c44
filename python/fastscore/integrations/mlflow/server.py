"""The tracking server that MLflow is told to use, found out quickly to be there or not."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

from fastscore.errors import ResultsError, UsageError
from fastscore.integrations.missing import missing_tool

# MLflow reports its use over the network unless it is told not to before it is imported. Who
# imports it himself has decided; an import by fastscore must not be what sends something.
if "mlflow" not in sys.modules and "DO_NOT_TRACK" not in os.environ:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

try:
    import mlflow
    from mlflow import MlflowClient
    from mlflow.entities import (
        AssessmentSource,
        Dataset,
        DatasetInput,
        Experiment,
        Feedback,
        InputTag,
        Metric,
        Param,
        Run,
        RunTag,
    )
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import fluent
    from mlflow.tracking.context.registry import resolve_tags
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request
except ImportError as error:
    raise missing_tool("MLflow", "mlflow", error) from error

__all__ = [
    "AssessmentSource",
    "Dataset",
    "DatasetInput",
    "Feedback",
    "InputTag",
    "Metric",
    "Param",
    "RunTag",
    "Server",
    "mlflow",
    "resolve_tags",
]

_SQLITE = "sqlite:///"
_CHANGED = threading.RLock()  # of the environment, which the worker and the run both change
_DEFAULT_EXPERIMENT = "0"
ANSWER_SECONDS = 5.0
"""How long a server may take to say that it is there."""
BUSY_SECONDS = 30.0
"""And how long while it has something of ours to do."""
_ATTEMPTS = 5


class Server:
    """A tracking server, or the database or folder that stands in for one.

    ``uri`` is MLflow's own setting unless given (``mlflow.set_tracking_uri``,
    ``MLFLOW_TRACKING_URI``).

    Raises ResultsError within seconds where nothing answers, or where a file is no database: MLflow
    itself goes on trying for minutes.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = uri or mlflow.get_tracking_uri()
        self.check()
        with self.explained():
            self.client = MlflowClient(tracking_uri=self.uri)

    @property
    def shown(self) -> str:
        """The address without the password that it may hold."""
        return self._without_password(self.uri)

    def _without_password(self, text: str) -> str:
        user, at, _ = self.uri.partition("://")[2].partition("/")[0].rpartition("@")
        return text.replace(user + at, "") if at else text

    @property
    def is_remote(self) -> bool:
        """Whether it is a server, and not a database or a folder."""
        return self.uri.lower().startswith(("http://", "https://"))

    @property
    def is_own(self) -> bool:
        """Whether it is the one that MLflow itself is set to, whose state it holds."""
        return self.uri.rstrip("/") == str(mlflow.get_tracking_uri()).rstrip("/")

    def check_busy(self) -> None:
        """As `check`, of a server that may be at work for us and so slow to answer."""
        self.check(BUSY_SECONDS)

    def check(self, at_most: float | None = None) -> None:
        """Raise ResultsError unless the server answers, or the file is a database; no more.

        ``at_most`` are the seconds that it may take for that, `ANSWER_SECONDS` if not given.
        """
        if self.uri.startswith(_SQLITE):
            self._check_sqlite()
        if not self.is_remote:
            return
        try:
            answer = http_request(
                get_default_host_creds(self.uri),
                "/health",
                "GET",
                max_retries=0,
                timeout=ANSWER_SECONDS if at_most is None else at_most,
                raise_on_status=False,
            )
        except Exception as error:
            raise ResultsError(self._unreachable(_reason(error))) from error
        if answer.status_code >= 500:
            raise ResultsError(self._unreachable(f"it answered {answer.status_code}"))

    def _check_sqlite(self) -> None:
        file = self.uri.removeprefix(_SQLITE).partition("?")[0]
        try:
            with closing(sqlite3.connect(file)) as database:
                database.execute("PRAGMA schema_version")
        except sqlite3.Error as error:
            raise ResultsError(
                f"MLflow's database {file} cannot be used: {error}. Set MLFLOW_TRACKING_URI to "
                "one that can, such as sqlite:///mlflow.db in a folder that is there"
            ) from error

    def _unreachable(self, why: str) -> str:
        return (
            f"MLflow's tracking server {self.shown} cannot be reached: "
            f"{self._without_password(why)[:300]}. Start it (mlflow server), or set "
            "MLFLOW_TRACKING_URI to one that runs"
        )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn MLflow's errors into ours, which name the server."""
        try:
            yield
        except Exception as error:
            if not _is_of_the_server(error):
                raise
            said = self._without_password(str(error))
            raise ResultsError(f"MLflow's tracking server {self.shown}: {said}") from error

    def end_run(self, run: str, status: str, ended: int | None = None) -> None:
        """End a run, ``ended`` in milliseconds since 1970 or now, without MLflow's lines on stdout.

        They would stand between results that another program reads; `run_url` says the same.
        """
        with _environment("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"), self.explained():
            self.client.set_terminated(run, status, ended)

    def run_url(self, experiment: str, run: str) -> str:
        """Return where a run is to be looked at; of no server, its number and where it is kept."""
        if not self.is_remote:
            return f"run {run} in {self.shown}"
        return f"{self.shown.rstrip('/')}/#/experiments/{experiment}/runs/{run}"

    def active_run(self) -> Run | None:
        """Return the run that the caller has begun on this server, if there is one.

        It may be in the environment alone, where ``mlflow run`` puts the run of a project.
        """
        if not self.is_own:
            return None
        number = os.environ.get("MLFLOW_RUN_ID")
        with self.explained():
            return mlflow.active_run() or (self.client.get_run(number) if number else None)

    def experiment_id(self, name: str | None) -> str:
        """Return the number of the experiment of this name, made if need be.

        Of no name, of the active one; on another server than MLflow's own, where none can be
        active, of the one that the environment names, else of the default one.

        Raises UsageError for one that was deleted.
        """
        with self.explained():
            if name is None:
                return self._unnamed_experiment()
            found = self.client.get_experiment_by_name(name) or self._new_experiment(name)
            if found.lifecycle_stage != "active":
                raise UsageError(
                    f"the experiment {name!r} was deleted on {self.shown}; restore it "
                    f"(mlflow experiments restore --experiment-id {found.experiment_id}), or "
                    "choose another name"
                )
            return str(found.experiment_id)

    def _new_experiment(self, name: str) -> Experiment:
        try:
            number = self.client.create_experiment(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self.client.get_experiment_by_name(name)  # another run has been quicker
        return self.client.get_experiment(number)

    def log_rows(self, run: str, rows: list[DatasetInput]) -> None:
        """Say which data sets a run read.

        Of runs that bring the same new ones at once, a database takes one and refuses the others;
        when these say it again, the data sets are there.
        """
        with self.explained():
            for left in reversed(range(_ATTEMPTS)):
                try:
                    self.client.log_inputs(run, rows)
                except MlflowException as error:
                    if not left or error.error_code != "BAD_REQUEST":
                        raise
                else:
                    return

    def _unnamed_experiment(self) -> str:
        if self.is_own:
            return str(fluent._get_experiment_id() or _DEFAULT_EXPERIMENT)
        if name := os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            return self.experiment_id(name)
        number = os.environ.get("MLFLOW_EXPERIMENT_ID")
        # It is of the server that the environment names, if any, and of MLflow's own server where
        # mlflow.set_experiment has put it there: here it would be an experiment of anybody.
        elsewhere = "MLFLOW_TRACKING_URI" in os.environ or number == fluent._active_experiment_id
        if number and not elsewhere:
            return str(self.client.get_experiment(number).experiment_id)
        return _DEFAULT_EXPERIMENT


def _is_of_the_server(error: Exception) -> bool:
    """Whether an error is MLflow's, of what it stores in, or of a driver for that.

    Those of artifacts come from requests, as OSError; a driver for their store or for a database
    may not be installed; and MLflow lets some of SQLAlchemy's through.
    """
    database = sys.modules.get("sqlalchemy.exc")  # mlflow-skinny has none, and it is slow to import
    return isinstance(error, (MlflowException, OSError, ImportError)) or (
        database is not None and isinstance(error, database.SQLAlchemyError)
    )


def _reason(error: BaseException) -> str:
    """What is at the bottom of an error: "Connection refused", not the library's tale of it."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return str(error) or type(error).__name__


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    with _CHANGED:
        before = os.environ.get(name)
        os.environ[name] = value
        try:
            yield
        finally:
            if before is None:
                del os.environ[name]
            else:
                os.environ[name] = before
