"""The observer that makes spans of what a run tells it."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Sequence
from hashlib import blake2b

from fastscore.errors import UsageError
from fastscore.integrations.missing import missing_tool
from fastscore.integrations.opentelemetry import attributes
from fastscore.observing import Observer, RunStart
from fastscore.progress import Progress
from fastscore.results import Results, TaskResult
from fastscore.results.values import AnySample

try:
    from opentelemetry import context, trace
    from opentelemetry.trace import Span, Status, StatusCode, TracerProvider
except ImportError as error:
    raise missing_tool("OpenTelemetry", "opentelemetry", error) from error

ITEMS_PER_TASK = 20
"""Spans of items for each task where no rate is given."""

SWITCHED_OFF = "OTEL_SDK_DISABLED is true, by which OpenTelemetry makes no spans"

_LONGEST_NAME = 120
_log = logging.getLogger("fastscore")


class TracingObserver(Observer):
    """Makes spans of the runs that it observes, as children of the caller's span if there is one.

    ``rate`` is the share of items that get a span, from 0 to 1; None takes `ITEMS_PER_TASK` of
    each task. ``tracer_provider`` is the process's own if not given. ``session_id`` says which
    traces belong together; if it is not given it is the ``session.id`` of OpenInference's context
    (``using_session``), else one for each observer.

    Raises:
        UsageError: the rate is no number from 0 to 1.

    """

    def __init__(
        self,
        rate: float | None = None,
        tracer_provider: TracerProvider | None = None,
        *,
        session_id: str | None = None,
    ) -> None:
        if rate is not None and not _is_rate(rate):
            raise UsageError(
                f"the rate of traced items is {rate!r}; it must be a number from 0 (none) to 1 "
                f"(all), or not be given for {ITEMS_PER_TASK} items a task"
            )
        self.wants_prompts = rate != 0
        self._rate = rate
        self._tracer = trace.get_tracer("fastscore", tracer_provider=tracer_provider)
        self._session = session_id
        self._own_session = uuid.uuid4().hex
        self._hidden = attributes.Hidden()
        self._run: Span = trace.INVALID_SPAN
        self._tasks: dict[str, tuple[Span, int]] = {}
        self._last_seen: dict[str, int] = {}

    def run_started(self, start: RunStart) -> None:
        """Begin the run's span; say so if it goes nowhere."""
        self._start = start
        self._tasks.clear()
        self._last_seen.clear()
        caller = trace.get_current_span().get_span_context()
        self._common = {"session.id": self._session_id()}
        self._run = self._tracer.start_span(
            f"evaluate {', '.join(start.settings['tasks'])}"[:_LONGEST_NAME],
            attributes={**self._common, **attributes.of_run(start, self._hidden)},
        )
        own = self._run.get_span_context()
        if not own.is_valid or own.span_id == caller.span_id:
            _log.warning("Tracing is asked for, but %s.", _why_dropped())

    def task_started(self, task: str) -> None:
        """Begin a task's span."""
        now = time.time_ns()
        span = self._tracer.start_span(
            task,
            context=trace.set_span_in_context(self._run),
            attributes={
                **self._common,
                **attributes.of_task(task, self._start.tasks[task], self._start),
            },
            start_time=now,
        )
        self._tasks[task] = span, now

    def progressed(self, progress: Progress) -> None:
        """Take in which task is under way."""
        self._last_seen[progress.task] = time.time_ns()

    def task_ended(self, task: str, result: TaskResult) -> None:
        """End a task's span, with the spans of its items below it."""
        span, began = self._tasks.pop(task)
        ended = time.time_ns()
        if self._start.settings["until"] is not None:
            # Results come at the end of the whole run, when all tasks have been stopped.
            ended = self._last_seen.get(task, ended)
        if span.is_recording():
            below = trace.set_span_in_context(span)
            for sample in sampled(task, result.samples, self._rate):
                self._trace_item(task, result, sample, below, began, ended)
            span.set_attributes(attributes.of_task_result(task, result))
            span.set_status(Status(StatusCode.OK))
        span.end(ended)

    def run_ended(self, results: Results) -> None:
        """End the run's span with all scores."""
        self._run.set_attributes(attributes.of_results(results))
        self._run.set_status(Status(StatusCode.OK))
        self._run.end()

    def run_failed(self, error: BaseException) -> None:
        """End all spans, with what ended the run."""
        failed = Status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
        for span in [*(span for span, _ in self._tasks.values()), self._run]:
            span.set_status(failed)
            if span is self._run:
                span.record_exception(error)
            span.end()
        self._tasks.clear()

    def _trace_item(
        self,
        task: str,
        result: TaskResult,
        sample: AnySample,
        below: context.Context,
        began: int,
        ended: int,
    ) -> None:
        told = attributes.of_item(task, result, sample, self._start, self._hidden)
        span = self._tracer.start_span(
            f"{task} #{sample.doc_id}",
            context=below,
            attributes={**self._common, **told},
            start_time=began,
        )
        if self._hidden.learns(getattr(span, "attributes", None) or {}):
            again = attributes.of_item(task, result, sample, self._start, self._hidden)
            span.set_attributes(again)
        span.set_status(Status(StatusCode.OK))
        span.end(ended)

    def _session_id(self) -> str:
        if self._session is not None:
            return self._session
        outer = context.get_value("session.id")
        return outer if isinstance(outer, str) else self._own_session


def is_switched_off() -> bool:
    """Whether the environment tells every SDK of OpenTelemetry to do nothing."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _why_dropped() -> str:
    if is_switched_off():
        return SWITCHED_OFF
    return (
        "no OpenTelemetry TracerProvider is configured: spans are dropped. Set one with "
        "opentelemetry.trace.set_tracer_provider, or use `fastscore run --trace`"
    )


def sampled(task: str, samples: Sequence[AnySample], rate: float | None) -> list[AnySample]:
    """Return the items that get a span, in the order of ``samples``."""
    if rate is not None:
        return [one for one in samples if _place(task, one.doc_id) < rate]
    first = sorted(range(len(samples)), key=lambda i: _place(task, samples[i].doc_id))
    return [samples[index] for index in sorted(first[:ITEMS_PER_TASK])]


def _place(task: str, doc_id: int) -> float:
    """Put an item somewhere from 0 to below 1, evenly and always at the same place."""
    digest = blake2b(f"{task}/{doc_id}".encode(), digest_size=6).digest()
    return float(int.from_bytes(digest, "big") / 2**48)


def _is_rate(rate: object) -> bool:
    return isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 <= rate <= 1
