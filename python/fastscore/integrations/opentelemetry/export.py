"""Sending spans to a collector by OTLP over HTTP, for processes that have no tracer of their own.

The environment says where to, as everywhere in OpenTelemetry: ``OTEL_EXPORTER_OTLP_ENDPOINT``,
``OTEL_EXPORTER_OTLP_HEADERS`` and their relatives, or as in Phoenix's own packages
``PHOENIX_COLLECTOR_ENDPOINT``, ``PHOENIX_API_KEY`` and ``PHOENIX_PROJECT``. The key goes to the
endpoint of Phoenix's own variable and to nobody else.

A collector must not cost a run. One that does not answer at the start is said once, and nothing is
traced; one that is lost on the way is given up after the exporter's own attempts
(``OTEL_EXPORTER_OTLP_TIMEOUT``, 10 seconds), and what it did not get is counted and said at the
end. Nothing is retried after that, so that the process ends when its work does.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from fastscore.integrations.missing import missing_tool
from fastscore.integrations.opentelemetry.observer import SWITCHED_OFF, is_switched_off

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
except ImportError as error:
    raise missing_tool("OpenTelemetry's OTLP exporter", "opentelemetry", error) from error

DEFAULT_ENDPOINT = "http://localhost:4318/v1/traces"
"""OTLP's own, where the environment names none; Phoenix listens on port 6006 instead."""

_PROBE_SECONDS = 2.0
# Spans a request: with prompts of 100 kB below the 20 MB that OpenTelemetry's own collector takes.
_BATCH = 64
_QUEUE = 2**18  # all items of any benchmark: what does not fit would be dropped


@contextmanager
def exporting(warn: Callable[[str], None]) -> Iterator[trace.TracerProvider | None]:
    """Give a tracer provider whose spans are sent, all of them by the end of the block.

    A provider that the process has already (under ``opentelemetry-instrument``, say) is taken as
    it is. None where no collector answers, or OpenTelemetry is switched off; ``warn`` is told why,
    and which spans were lost.
    """
    if is_switched_off():
        warn(f"this run is not traced: {SWITCHED_OFF}")
        yield None
        return
    configured = trace.get_tracer_provider()
    if isinstance(configured, TracerProvider):
        try:
            yield configured
        finally:
            configured.force_flush()
        return
    endpoint, headers = _destination()
    with _heard() as reasons:
        refused = _refusal(endpoint, headers, reasons)
        if refused is not None:
            warn(
                f"this run is not traced: {endpoint} does not take spans by OTLP over HTTP "
                f"({refused}). Set OTEL_EXPORTER_OTLP_ENDPOINT, or for Phoenix "
                "PHOENIX_COLLECTOR_ENDPOINT=http://localhost:6006"
            )
            yield None
            return
        collector = _Collector(OTLPSpanExporter(endpoint, headers=headers), reasons)
        sending = _Sending(collector, max_queue_size=_QUEUE, max_export_batch_size=_BATCH)
        provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        provider.add_span_processor(sending)
        try:
            yield provider
        finally:
            provider.force_flush()
            provider.shutdown()
            if lost := sending.n_spans - collector.n_sent:
                why = collector.why_lost or reasons.first or "no reason given"
                warn(f"{lost} of {sending.n_spans} spans could not be sent to {endpoint} ({why})")


class _Sending(BatchSpanProcessor):  # type: ignore[misc]
    """Counts what is to be sent."""

    n_spans = 0

    def on_end(self, span: ReadableSpan) -> None:
        self.n_spans += 1
        super().on_end(span)


class _Reasons(logging.Handler):
    """Keeps the first thing that OpenTelemetry logged of a request, to say it where it belongs.

    What follows tells of its attempts, and that it gave up.
    """

    first: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        # Of a chain of causes the last one is for people.
        cause = message.rpartition("(Caused by ")[2].partition(" encountered while ")[0]
        self.first = self.first or cause


class _Collector(SpanExporter):  # type: ignore[misc]
    """Counts what was sent, and gives a collector up that has failed.

    One that finds a request too large (nginx takes 1 MB where nothing is said) gets it in parts.
    """

    def __init__(self, exporter: SpanExporter, reasons: _Reasons) -> None:
        self.n_sent = 0
        self.why_lost: str | None = None
        self._exporter = exporter
        self._reasons = reasons
        self._lost = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._lost:
            return SpanExportResult.FAILURE
        self._reasons.first = None
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.n_sent += len(spans)
            return result
        too_large = "code: 413" in (self._reasons.first or "")
        if too_large and len(spans) > 1:
            middle = len(spans) // 2
            parts = [self.export(spans[:middle]), self.export(spans[middle:])]
            failed = SpanExportResult.FAILURE in parts
            return SpanExportResult.FAILURE if failed else SpanExportResult.SUCCESS
        self.why_lost = self.why_lost or self._reasons.first
        self._lost = not too_large
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


@contextmanager
def _heard() -> Iterator[_Reasons]:
    logger, reasons = logging.getLogger("opentelemetry"), _Reasons(logging.WARNING)
    propagate = logger.propagate
    logger.addHandler(reasons)
    logger.propagate = False
    try:
        yield reasons
    finally:
        logger.removeHandler(reasons)
        logger.propagate = propagate


def _refusal(endpoint: str, headers: dict[str, str] | None, reasons: _Reasons) -> str | None:
    """Send a request without spans; return what stood in its way, None if it was taken.

    A collector may hold such a request for a bad one (400), as MLflow's does: it is there.
    """
    probe = OTLPSpanExporter(endpoint, headers=headers, timeout=_PROBE_SECONDS)
    try:
        taken = probe.export([]) is SpanExportResult.SUCCESS
    finally:
        probe.shutdown()
    said, reasons.first = reasons.first, None
    if taken or (said is not None and "code: 400" in said):
        return None
    return said or "no answer"


def _destination() -> tuple[str, dict[str, str] | None]:
    """Return where to send spans, and Phoenix's key as its server wants it if that is Phoenix.

    The exporter itself reads OpenTelemetry's headers.
    """
    if url := os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        return url, None
    for variable in ("PHOENIX_COLLECTOR_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        if base := os.environ.get(variable, "").strip().rstrip("/"):
            url = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
            key = os.environ.get("PHOENIX_API_KEY") if variable.startswith("PHOENIX") else None
            return url, {"authorization": f"Bearer {key}"} if key else None
    return DEFAULT_ENDPOINT, None


def _resource() -> Resource:
    """Say who sends, and which of Phoenix's projects it is for."""
    given = OTELResourceDetector().detect().attributes
    project = os.environ.get("PHOENIX_PROJECT") or os.environ.get("PHOENIX_PROJECT_NAME")
    named = {"openinference.project.name": project} if project else {}
    defaults = {"service.name": "fastscore", "openinference.project.name": "fastscore"}
    return Resource.create({**defaults, **given, **named})
