"""Results on the tracking server: at once, or while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from fastscore.errors import FastscoreError, ResultsError, UsageError
from fastscore.integrations.mlflow.runs import TrackedRun, results_params, start_params
from fastscore.integrations.mlflow.server import Server
from fastscore.integrations.mlflow.worker import Worker
from fastscore.observing import Observer, RunStart
from fastscore.progress import Progress
from fastscore.results import Results, TaskResult

STEP_SECONDS = 5.0
"""Between two values of a step metric."""

SAMPLES = 1000
"""Most items of a task's table."""

_GOODBYE_SECONDS = 10.0  # for a run that failed: nobody should wait longer for its being marked


def log_to_mlflow(
    results: Results,
    *,
    experiment: str | None = None,
    run_name: str | None = None,
    tracking_uri: str | None = None,
    report: bool = True,
    samples: int = SAMPLES,
) -> str:
    """Log results to a tracking server, and return the number of the run that holds them.

    Parameters
    ----------
    results
        Of `evaluate`, or of ``Results.load``.
    experiment
        Its name, made if need be; None for MLflow's active one, and on another server than MLflow's
        own for the one that the environment names, or the default one.
    run_name
        Of a run that is begun here; None for the model's name and quantisation.
    tracking_uri
        None for MLflow's own setting.
    report
        Whether the report is drawn and logged: ``report.html``, or ``report.md`` without
        matplotlib.
    samples
        Most items in the table of each task, 0 for no tables. The files beside the results have
        all items.

    A run that the caller has begun, or that ``MLFLOW_RUN_ID`` names as under ``mlflow run``, is
    used as it is and not ended; else one is begun here, with the times of the results.

    Raises
    ------
    ResultsError
        The server cannot be reached, or refuses.
    UsageError
        See `TrackedRun`; or this is no name of an experiment, no number of samples, or no Results.

    """
    if not isinstance(results, Results):
        raise UsageError(
            f"log_to_mlflow logs Results, not {type(results).__name__}; fastscore.load(directory) "
            "reads the results of a run"
        )
    _check(experiment, samples)
    server = Server(tracking_uri)
    begun = datetime.fromisoformat(results.date)
    run = TrackedRun(
        server,
        experiment=experiment,
        run_name=run_name,
        model=results.model,
        params=results_params(results),
        date=results.date,
        begun=begun,
    )
    worker = Worker()
    worker.add(lambda: run.log_results(results, report=report, samples=samples))
    try:
        worker.finish(server.check_busy)  # MLflow goes on for minutes when the server is gone
    except BaseException as error:
        run.fail_if_heard(error)
        raise
    run.end(begun + timedelta(seconds=results.work.seconds["total"]))
    return run.run_id


class MlflowObserver(Observer):
    """Logs a run of `evaluate` while it goes on; ``evaluate(..., mlflow=True)`` makes one.

    The arguments are those of `log_to_mlflow`, which logs the same but for the metrics of progress:
    ``progress/tokens_done``, ``progress/tokens_per_second`` and ``progress/seconds_left`` by tokens
    done, every few seconds. The tables hold the texts of the items even where the results do not.
    Requests are made by a thread of their own, and the run waits for them at its end alone.

    ``run_id`` is the number of the latest run, None before it has begun; ``url`` is where to look
    at it, None until all of it is there.
    """

    def __init__(
        self,
        experiment: str | None = None,
        *,
        run_name: str | None = None,
        tracking_uri: str | None = None,
        report: bool = True,
        samples: int = SAMPLES,
    ) -> None:
        _check(experiment, samples)
        self.wants_prompts = samples > 0
        self._experiment = experiment
        self._run_name = run_name
        self._report = report
        self._samples = samples
        self._clock = time.monotonic
        self._next_step = 0.0
        self._last: Progress | None = None
        self.run_id: str | None = None
        self.url: str | None = None
        # Before rows are read and the model is loaded: a server that is not there is quickly known.
        self._server = Server(tracking_uri)

    def run_started(self, start: RunStart) -> None:
        """Begin the run on the server; raises what `log_to_mlflow` does."""
        # An observer may be given to several runs, one after the other.
        self._next_step, self._last, self.run_id, self.url = 0.0, None, None, None
        self._server.check()
        self._run = TrackedRun(
            self._server,
            experiment=self._experiment,
            run_name=self._run_name,
            model=start.model,
            params=start_params(start.model, start.settings),
            date=start.date,
        )
        self.run_id = self._run.run_id
        self._worker = Worker()

    def task_started(self, task: str) -> None:
        """Begin the run of a task."""
        self._add(lambda: self._run.start_task(task))

    def progressed(self, progress: Progress) -> None:
        """Log progress when it is time to and nothing else is waiting to be logged."""
        self._last = progress
        now = self._clock()
        if now >= self._next_step and self._worker.idle:
            self._next_step = now + STEP_SECONDS
            self._add(lambda: self._run.log_progress(progress))

    def task_ended(self, task: str, result: TaskResult) -> None:
        """Log a task's scores and end its run."""
        self._add(lambda: self._run.log_task(task, result, self._samples))

    def run_ended(self, results: Results) -> None:
        """Log everything else and end the run; waits for that as long as the server answers."""
        last = self._last
        if last is not None:
            self._add(lambda: self._run.log_progress(last))
        self._add(
            lambda: self._run.log_results(results, report=self._report, samples=self._samples)
        )
        self._add(self._run.end)
        with self._advised():
            self._worker.finish(self._server.check_busy)
        self.url = self._run.url

    def run_failed(self, error: BaseException) -> None:
        """End the run as killed by Ctrl-C, or as failed."""
        self._add(lambda: self._run.fail(error))
        done = False
        try:
            done = self._worker.finish(self._server.check, _GOODBYE_SECONDS)
        finally:
            if not done:  # an upload takes long, or somebody presses Ctrl-C once more
                self._run.fail_if_heard(error)

    def _add(self, job: Callable[[], None]) -> None:
        with self._advised():
            self._worker.add(job)

    @contextmanager
    def _advised(self) -> Iterator[None]:
        """Mark the run as failed or killed; say that the results are not lost for the server."""
        try:
            yield
        except BaseException as error:
            # Nothing more is asked of an observer that failed, and nobody else would end the run.
            self._run.fail_if_heard(error)
            if not isinstance(error, FastscoreError):
                raise
            raise ResultsError(
                f"{error}. What is not on the server yet can be logged later: "
                "fastscore.integrations.mlflow.log_to_mlflow(results)"
            ) from error


def _check(experiment: str | None, samples: int) -> None:
    if experiment is not None and not (isinstance(experiment, str) and experiment.strip()):
        raise UsageError(f"the experiment is {experiment!r}; give its name, a text")
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 0:
        raise UsageError(f"samples is {samples!r}; give the most items of a table, 0 for none")
