"""A run of fastscore as runs of MLflow: one for all of it, and one below it for each task."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from fastscore.errors import FastscoreError, UsageError
from fastscore.integrations.mlflow.server import (
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    Param,
    RunTag,
    Server,
    resolve_tags,
)
from fastscore.integrations.mlflow.values import (
    dataset_of,
    model_params,
    notice_tags,
    progress_metrics,
    sample_table,
    score_metrics,
    settings_params,
    surroundings_params,
    task_params,
    undefined_tags,
    work_metrics,
)
from fastscore.plots import has_matplotlib
from fastscore.progress import Progress
from fastscore.results import MetricValue, Results, TaskResult

_log = logging.getLogger("fastscore")

_SAMPLES_FILE = "samples.json"


class TrackedRun:
    """The runs on a server that stand for one run of fastscore.

    The one for all of it is the caller's active run where there is one on this server, which then
    stays as it is; else it is begun here, and ended by `end`. ``begun`` is when, None for now.

    Raises
    ------
    UsageError
        The active run is of another experiment than the one asked for, or already has parameters
        of another model or other settings: MLflow does not let a parameter change.
    ResultsError
        The server refuses.

    """

    def __init__(
        self,
        server: Server,
        *,
        experiment: str | None,
        run_name: str | None,
        model: Mapping[str, Any],
        params: Mapping[str, str],
        date: str,
        begun: datetime | None = None,
    ) -> None:
        self._server = server
        self._client = server.client
        self._tasks: dict[str, str] = {}  # open runs by task
        self._done: set[str] = set()
        tags = {"fastscore.fingerprint": str(model["fingerprint"]), "fastscore.date": date}
        caller = server.active_run()
        self._owned = caller is None
        if caller is None:
            self._experiment = server.experiment_id(experiment)
            name = run_name or f"{model.get('name')} {model.get('quantisation') or ''}".strip()
            self._run = self._create(name, {}, begun)
        else:
            self._run = str(caller.info.run_id)
            self._experiment = str(caller.info.experiment_id)
            self._refuse_another(experiment)
            self._refuse_changes(params)
        try:
            self._log(self._run, params=params, tags=tags)
        except BaseException as error:
            self.fail(error)
            raise

    @property
    def run_id(self) -> str:
        """MLflow's number of the run for all of it."""
        return self._run

    @property
    def url(self) -> str:
        """Where that run is to be looked at."""
        return self._server.run_url(self._experiment, self._run)

    def start_task(self, task: str) -> None:
        """Begin the run of a task."""
        if task not in self._tasks:
            tags = {"mlflow.parentRunId": self._run}
            self._tasks[task] = self._create(task, tags, None)

    def log_progress(self, progress: Progress) -> None:
        """Log where the run stands; the step is the number of tokens done."""
        self._log(self._run, metrics=progress_metrics(progress), step=progress.tokens_done)

    def log_task(self, task: str, result: TaskResult, samples: int) -> None:
        """Log a task's scores, rows and first ``samples`` items to its run, and end that."""
        self.start_task(task)
        run = self._tasks[task]
        metrics, undefined = score_metrics({"": result.metrics})
        tags = {**notice_tags(result), **undefined_tags(undefined)}
        if samples:
            table, n = sample_table(result, samples)
            with self._server.explained():
                self._client.log_text(run, table, _SAMPLES_FILE)
            tags["mlflow.loggedArtifacts"] = json.dumps([{"path": _SAMPLES_FILE, "type": "table"}])
            if n < result.n:
                tags["fastscore.samples"] = (
                    f"{_SAMPLES_FILE} has the first {n:,} of {result.n:,} items; all are in "
                    "results/samples of the parent run"
                )
        self._log(
            run,
            metrics={**metrics, "n": float(result.n)},
            params=task_params(task, result),
            tags=tags,
        )
        self._log_rows(run, {task: result})
        self._server.end_run(run, "FINISHED")
        del self._tasks[task]
        self._done.add(task)

    def log_results(self, results: Results, *, report: bool, samples: int) -> None:
        """Log everything that is not logged yet."""
        for task, result in results.tasks.items():
            if task not in self._done:
                self.log_task(task, result, samples)
        scores: dict[str, Mapping[str, MetricValue]] = {
            name: results[name].metrics for name in results
        }
        metrics, undefined = score_metrics(scores)
        self._log(
            self._run,
            metrics={**metrics, **work_metrics(results.work)},
            params=results_params(results),
            tags=undefined_tags(undefined),
        )
        self._log_rows(self._run, results.tasks)
        with tempfile.TemporaryDirectory(prefix="fastscore-") as folder, self._server.explained():
            results.save(folder)
            self._client.log_artifacts(self._run, folder, "results")
            if report:
                self._client.log_artifact(self._run, str(_write_report(results, Path(folder))))

    def end(self, ended: datetime | None = None) -> None:
        """End all runs that are open, but for the caller's, which gets its end from the caller.

        ``ended`` is when the one for all of it did, None for now.
        """
        self._end("FINISHED", ended)

    def fail(self, error: BaseException) -> None:
        """End them as killed by Ctrl-C, or as failed, and log why."""
        told = f"{type(error).__name__}: {error}"[:5000]
        with self._server.explained():
            self._client.set_tag(self._run, "fastscore.error", told)
        self._end("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")

    def fail_if_heard(self, error: BaseException) -> None:
        """Do so where the server answers; where it does not, ``error`` tells enough."""
        with suppress(FastscoreError):
            self._server.check()
            self.fail(error)

    def _end(self, status: str, ended: datetime | None = None) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for run in tasks:
            self._server.end_run(run, status)
        if self._owned:
            when = None if ended is None else round(ended.timestamp() * 1000)
            self._server.end_run(self._run, status, when)

    def _create(self, name: str, tags: Mapping[str, str], begun: datetime | None) -> str:
        with self._server.explained():
            created = self._client.create_run(
                self._experiment,
                start_time=None if begun is None else round(begun.timestamp() * 1000),
                tags=resolve_tags(dict(tags)),
                run_name=name,
            )
        return str(created.info.run_id)

    def _refuse_another(self, experiment: str | None) -> None:
        with self._server.explained():
            own = self._client.get_experiment(self._experiment).name
        if experiment not in (None, own):
            raise UsageError(
                f"the active MLflow run {self._run} is not of the experiment {experiment!r} but of "
                f"{own!r}: end it (or unset MLFLOW_RUN_ID), or name that experiment"
            )

    def _refuse_changes(self, params: Mapping[str, str]) -> None:
        with self._server.explained():
            there = self._client.get_run(self._run).data.params
        for name, value in params.items():
            if there.get(name, value) != value:
                raise UsageError(
                    f"the active MLflow run {self._run} already has {name} = {there[name][:80]!r}, "
                    f"and this one would have {value[:80]!r}; give each its own run: with "
                    "mlflow.start_run(nested=True)"
                )

    def _log(
        self,
        run: str,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        step: int = 0,
    ) -> None:
        """Log by as few requests as MLflow's limits allow; its client parts what is more."""
        now = round(time.time() * 1000)
        with self._server.explained():
            self._client.log_batch(
                run,
                [Metric(name, value, now, step) for name, value in (metrics or {}).items()],
                [Param(name, value) for name, value in (params or {}).items()],
                [RunTag(name, value) for name, value in (tags or {}).items()],
                synchronous=True,
            )

    def _log_rows(self, run: str, tasks: Mapping[str, TaskResult]) -> None:
        inputs = [
            DatasetInput(
                dataset=Dataset(**dataset_of(task, result.origin)),
                tags=[
                    InputTag("mlflow.data.context", "evaluation"),
                    InputTag("fastscore.items_scored", str(result.n)),
                ],
            )
            for task, result in tasks.items()
        ]
        self._server.log_rows(run, inputs)


def start_params(model: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that are known before a run."""
    return {**model_params(model), **settings_params(settings)}


def results_params(results: Results) -> dict[str, str]:
    """Return all parameters of a run."""
    return {
        **start_params(results.model, results.settings),
        **surroundings_params(results.versions, results.machine, results.tokenisation),
    }


def _write_report(results: Results, folder: Path) -> Path:
    """Write the report: a page, or Markdown where matplotlib is not there to draw with."""
    from fastscore.report import write_report

    if has_matplotlib():
        return write_report(results, folder / "report.html")
    _log.warning(
        "matplotlib is not installed, so MLflow gets the report as Markdown: "
        "pip install 'fastscore-gguf[report]'"
    )
    return write_report(results, folder / "report.md")
