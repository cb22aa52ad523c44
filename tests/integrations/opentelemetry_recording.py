"""Runs whose spans are kept, to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from fastscore import Results, evaluate
from fastscore.integrations.opentelemetry import TracingObserver

GSM8K = [{"question": f"What is {i} plus {i}?", "answer": f"#### {2 * i}"} for i in range(3)]


class Recorder:
    """A provider that keeps its spans."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self.provider = provider or TracerProvider(shutdown_on_exit=False)
        self._kept = InMemorySpanExporter()
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def named(self, name: str) -> ReadableSpan:
        (found,) = [one for one in self.spans if one.name == name]
        return found

    def of_kind(self, kind: str) -> list[ReadableSpan]:
        return [one for one in self.spans if said(one)["openinference.span.kind"] == kind]

    def children(self, span: ReadableSpan) -> list[str]:
        return [
            one.name
            for one in self.spans
            if one.parent is not None and one.parent.span_id == span.context.span_id
        ]


def said(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def run(model: Path, recorder: Recorder | None, rate: Any = 1.0, **options: Any) -> Results:
    provider = None if recorder is None else recorder.provider
    options = {"tasks": "mini_qa", "limit": 4, "progress": False, "n_threads": 1, **options}
    return evaluate(model, observers=[TracingObserver(rate, provider)], **options)
