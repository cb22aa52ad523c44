"""What all lines of a samples file have in common, whatever kind of item they are about."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fastscore.errors import ResultsError
from fastscore.metrics import Score
from fastscore.results.fields import Fields


def write_line(values: Mapping[str, Any]) -> bytes:
    """Return a line with its end, in UTF-8."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    # Half of a surrogate pair has no UTF-8 form; the escape this writes is its JSON form.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def write_scores(scores: Mapping[str, Score], reserved: Collection[str]) -> dict[str, Any]:
    """Return an item's scores as fields of its line, null where they are undefined.

    Raises:
        ResultsError: a metric has the name of another field.

    """
    taken = sorted(scores.keys() & set(reserved))
    if taken:
        raise ResultsError(f"A metric cannot be reported as {taken[0]!r}: samples use that name.")
    return {name: None if math.isnan(one.value) else one.value for name, one in scores.items()}


def write_reasons(scores: Mapping[str, Score]) -> dict[str, Any]:
    """Return the field that says why scores are undefined, nothing where none is."""
    reasons = {name: one.reason for name, one in scores.items() if math.isnan(one.value)}
    return {"undefined": reasons} if reasons else {}


def read_scores(fields: Fields, metrics: Sequence[str]) -> dict[str, Score]:
    """Read an item's scores back."""
    reasons = fields.object("undefined") if "undefined" in fields.values else None
    scores = {}
    for name in metrics:
        value = fields.number_or_nan(name)
        if math.isnan(value):
            if reasons is None:
                raise fields.wrong(name, "a number, or null with its reason in 'undefined'")
            scores[name] = Score(value, reasons.text(name))
        else:
            scores[name] = Score(value)
    return scores
