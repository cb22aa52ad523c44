"""``--trace``: a run as OpenTelemetry spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastscore.reporters import say

if TYPE_CHECKING:
    from fastscore.observing import Observer


@contextmanager
def traced(wanted: bool, rate: float | None) -> Iterator[list[Observer]]:
    """Give the observers that make spans; at the end of the block these have been sent.

    ``rate`` is the share of items that get a span, and asks for spans by itself.

    Raises:
        UsageError: the rate is no number from 0 to 1.
        MissingToolError: OpenTelemetry is not installed.

    """
    if not wanted and rate is None:
        yield []
        return
    from fastscore.integrations.opentelemetry import TracingObserver
    from fastscore.integrations.opentelemetry.export import exporting

    TracingObserver(rate)  # a wrong rate is said before anybody is asked to collect
    with exporting(lambda message: say(f"Warning: {message}")) as provider:
        yield [] if provider is None else [TracingObserver(rate, provider)]
