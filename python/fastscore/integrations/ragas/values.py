"""Values that RAGAs' metrics know how to count, and its schemas do not tell of.

A collections metric takes a verdict of 7 for a precision of 7, and every answer but "1" for a no.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from fastscore.integrations.ragas.prompts import instruction_in, row_in

KNOWN_VALUES: Mapping[str, Mapping[str, Sequence[int]]] = {
    "AnswerAccuracyOutput": {"rating": (0, 2, 4)},
    "AnswerRelevanceOutput": {"noncommittal": (0, 1)},
    "AspectCriticOutput": {"verdict": (0, 1)},
    "ContextPrecisionOutput": {"verdict": (0, 1)},
    "ContextRecallClassification": {"attributed": (0, 1)},
    "ContextRelevanceOutput": {"rating": (0, 1, 2)},
    "ResponseGroundednessOutput": {"rating": (0, 1, 2)},
    "ResponseRelevanceOutput": {"noncommittal": (0, 1)},
    "StatementFaithfulnessAnswer": {"verdict": (0, 1)},
    "Verification": {"verdict": (0, 1)},
}
"""Numbers that the prompts of RAGAs' metrics name in words, by title of the form and property."""

# Their score is one of those that a rubric describes, each under a name like score3_description.
_RUBRIC_FORMS = ("InstanceRubricScoreOutput", "RubricScoreOutput", "ScoreFeedback")
_DESCRIBED = re.compile(r"\bscore(\d{1,4})_description\b")

# A list with the answer to each question.
_ANSWERS_FORM = "AnswersGenerated"

_TITLES = {*KNOWN_VALUES, *_RUBRIC_FORMS, _ANSWERS_FORM}

# Classic metrics that are told nothing but a number, and look for it anywhere in the text.
_RATINGS: Mapping[str, Sequence[str]] = {
    "AnswerAccuracy": ("0", "2", "4"),
    "ContextRelevance": ("0", "1", "2"),
    "ResponseGroundedness": ("0", "1", "2"),
}
_RATING_METRICS = "ragas.metrics._nv_metrics"


def narrowed(schema: dict[str, Any], prompt: str) -> dict[str, Any]:
    """Return a form's schema with what is known of its values, where it is a form of RAGAs' own."""
    found = dict(schema)
    if "$defs" in found:
        found["$defs"] = {name: narrowed(part, prompt) for name, part in found["$defs"].items()}
    if schema.get("title") in _TITLES and _is_of_ragas(schema):
        known = _known(schema["title"], prompt)
        found["properties"] = {
            name: {**part, **known.get(name, {})} for name, part in schema["properties"].items()
        }
    return found


def ratings_in(prompt: str) -> Sequence[str] | None:
    """Return the ratings that a prompt asks for, where it is of a metric that reads only those."""
    metrics = sys.modules.get(_RATING_METRICS)
    for name, ratings in _RATINGS.items():
        for template in _templates(getattr(metrics, name, None)):
            head, tail = template.partition("{")[0], template.rpartition("}")[2]
            if prompt.startswith(head) and prompt.endswith(tail):
                return ratings
    return None


def _known(title: str, prompt: str) -> Mapping[str, dict[str, Any]]:
    """Return what to add to the schemas of a form's properties."""
    if title == _ANSWERS_FORM:
        n = len(row_in(prompt).get("questions", ()))
        answer = {"type": "string", "enum": ["0", "1"]}
        return {"answers": {"items": answer, **({"minItems": n, "maxItems": n} if n else {})}}
    if title in _RUBRIC_FORMS:
        rubric = row_in(prompt).get("rubrics") or instruction_in(prompt)
        scores = sorted(set(map(int, _DESCRIBED.findall(str(rubric)))))
        return {"score": {"enum": scores}} if scores else {}
    return {name: {"enum": list(values)} for name, values in KNOWN_VALUES.get(title, {}).items()}


def _is_of_ragas(schema: dict[str, Any]) -> bool:
    """Whether a form is RAGAs' own, and not a user's of the same name."""
    title = schema["title"]
    kinds = [
        getattr(module, title, None)
        for name, module in list(sys.modules.items())
        if name.startswith("ragas.")
    ]
    return any(
        isinstance(kind, type)
        and issubclass(kind, BaseModel)
        and kind.model_json_schema() == schema
        for kind in kinds
    )


def _templates(metric: Any) -> list[str]:
    return [
        value
        for name, value in (vars(metric) if metric else {}).items()
        if name.startswith("template_") and isinstance(value, str)
    ]
