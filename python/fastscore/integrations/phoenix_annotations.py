"""Scores as Phoenix's annotations, by which it sorts, filters and averages spans.

Spans carry their scores as attributes named by OpenInference, which Phoenix 20 shows and does not
read as annotations. Those go through its API, and so need its server and client:

>>> from phoenix.client import Client
>>> from fastscore.integrations.phoenix_annotations import annotate
>>> annotate(Client(base_url="http://localhost:6006"))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

_MOST_SPANS = 1_000_000
_BATCH = 500


def annotate(
    client: Any, project: str = "fastscore", *, trace_ids: Sequence[str] | None = None
) -> int:
    """Give the spans of a project annotations of the scores in their attributes.

    Args:
        client: A ``phoenix.client.Client``.
        project: The project's name: ``PHOENIX_PROJECT`` of the run.
        trace_ids: Of the traces to look at; None for all of the project.

    Returns:
        The number of annotations. Those that were there already are written over by the same.

    """
    spans = client.spans.get_spans(
        project_identifier=project, trace_ids=trace_ids, limit=_MOST_SPANS, timeout=60
    )
    found = (annotation for span in spans for annotation in _annotations(span))
    n_annotations = 0
    while batch := list(islice(found, _BATCH)):
        client.spans.log_span_annotations(span_annotations=batch, sync=True)
        n_annotations += len(batch)
    return n_annotations


def _annotations(span: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    attributes = span["attributes"]
    number = 0
    while name := attributes.get(f"evaluations.{number}.evaluation.name"):
        prefix = f"evaluations.{number}.evaluation."
        result = {
            part: attributes[prefix + part]
            for part in ("score", "label", "explanation")
            if prefix + part in attributes
        }
        yield {
            "name": name,
            "span_id": span["context"]["span_id"],
            "annotator_kind": attributes.get(f"{prefix}annotator_kind", "CODE"),
            "result": result,
        }
        number += 1
