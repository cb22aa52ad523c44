"""Runs as OpenTelemetry traces: what Phoenix and other readers of OpenInference spans show.

A run is a CHAIN span, each task an EVALUATOR span below it, and items are LLM spans below their
task. Only the OpenTelemetry API is needed; where spans go is the business of the process's tracer
provider, which `fastscore.integrations.opentelemetry.export` can make.

**Times.** The engine decodes the items of a task together, pieces of many in each step, so an item
has no time of its own. An item's span therefore carries the time of its task, and says so:
``fastscore.timing`` is ``task``. Durations of tasks and runs are measured; those of items mean no
latency and must not be averaged.

**Which items.** Spans of all items would be many (14,042 for MMLU) and are rarely wanted. Without
a rate the `ITEMS_PER_TASK` of each task are taken that come first in an order that depends on the
task's name and the item's number alone, with a rate those whose place in that order is below it:
another run, another model or other shots show the same ones.
"""

from fastscore.integrations.opentelemetry.observer import ITEMS_PER_TASK, TracingObserver

__all__ = ["ITEMS_PER_TASK", "TracingObserver"]
