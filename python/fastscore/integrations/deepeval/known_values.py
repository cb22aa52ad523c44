"""Values that DeepEval's metrics know how to count, and their schemas do not tell of.

A score that the prompt wants between 0 and 1 is any float to its schema: a metric takes 85 for 85,
far above every threshold. An answer that is neither yes nor no counts as no, one too many ends the
metric, and so does a winner that does not compete.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_OF_METRICS = "deepeval.metrics."
_SHARE = {"minimum": 0, "maximum": 1}

# By name of the form: all of them say so in their prompts, and are of metrics from 0 to 1.
SHARES: Mapping[str, str] = {
    "ArgsScore": "score",
    "ArgumentCorrectnessScore": "score",
    "EfficiencyVerdict": "score",
    "GoalScore": "score",
    "MCPArgsScore": "score",
    "MCPPrimitivesScore": "score",
    "PlanAdherenceScore": "score",
    "PlanQualityScore": "score",
    "PlanScore": "score",
    "TaskCompletionVerdict": "verdict",
    "TaskScore": "score",
    "ToolScore": "score",
    "ToolSelectionScore": "score",
}


def narrowed(form: type[BaseModel], prompt: str) -> dict[str, Any]:
    """Return a form's schema, with what is known of its values where it is a metric's own."""
    schema: dict[str, Any] = form.model_json_schema()
    if form.__module__.startswith(_OF_METRICS):
        for name, known in _known(form.__name__, prompt).items():
            if name in schema["properties"]:
                schema["properties"][name] |= known
    return schema


def _known(title: str, prompt: str) -> Mapping[str, dict[str, Any]]:
    """Return what to add to the schemas of a form's properties."""
    if title in SHARES:
        return {SHARES[title]: _SHARE}
    if title == "Answers":
        n = len(_questions(prompt))
        answer = {"type": "string", "enum": ["yes", "no"]}
        return {"answers": {"items": answer, **({"minItems": n, "maxItems": n} if n else {})}}
    if title == "Winner":
        names = sorted(_contestants(prompt))
        return {"winner": {"enum": names}} if names else {}
    return {}


def _questions(prompt: str) -> list[Any]:
    """Return the questions of a prompt for answers: a list in Python, all on the last lines."""
    said = prompt.rpartition("\nQuestions:\n")[2].rpartition("JSON:")[0]
    try:
        found = ast.literal_eval(said.strip())
    except (ValueError, SyntaxError):
        return []
    return found if isinstance(found, list) else []


def _contestants(prompt: str) -> Mapping[str, Any]:
    """Return the contestants of a prompt for a winner, by the names that it gives them."""
    try:
        said, _ = json.JSONDecoder().raw_decode(prompt.rpartition("\nContestants:\n")[2])
    except ValueError:
        return {}
    found = said.get("arena_test_cases") if isinstance(said, dict) else None
    return found if isinstance(found, dict) else {}
