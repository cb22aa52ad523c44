"""What RAGAs' classic prompts ask for, and answers as its parser takes them.

The classic interface hands an LLM nothing but the text of a prompt. Where JSON is wanted, the text
shows the schema, word for word, and so the grammar can be made of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.outputs import Generation as Written
from langchain_core.prompt_values import PromptValue
from pydantic import BaseModel
from ragas.prompt import PydanticPrompt

from fastscore.errors import UsageError

# What RAGAs writes around the schema of the answer, in every prompt that wants JSON.
_BEFORE_SCHEMA = (
    "Please return the output in a JSON format that complies with the following schema as "
    "specified in JSON Schema:\n"
)
_AFTER_SCHEMA = "Do not use single quotes"

# Numbers that forms of RAGAs' metrics may hold, which it tells the model in words and its schemas
# do not: collections metrics take a verdict of 7 for a precision of 7.
KNOWN_VALUES: dict[tuple[str, str], tuple[int, ...]] = {
    ("AnswerAccuracyOutput", "rating"): (0, 2, 4),
    ("AnswerRelevanceOutput", "noncommittal"): (0, 1),
    ("AspectCriticOutput", "verdict"): (0, 1),
    ("ContextPrecisionOutput", "verdict"): (0, 1),
    ("ContextRecallClassification", "attributed"): (0, 1),
    ("ContextRelevanceOutput", "rating"): (0, 1, 2),
    ("ResponseGroundednessOutput", "rating"): (0, 1, 2),
    ("ResponseRelevanceOutput", "noncommittal"): (0, 1),
    ("StatementFaithfulnessAnswer", "verdict"): (0, 1),
    ("Verification", "verdict"): (0, 1),
}
"""By title of the form and name of the number."""

# Forms whose score is one of those that a rubric in the prompt describes, each under a name like
# score3_description.
_RUBRIC_FORMS = ("InstanceRubricScoreOutput", "RubricScoreOutput", "ScoreFeedback")
_DESCRIBED = re.compile(r"\bscore(\d{1,4})_description\b")
# Examples have rubrics of their own.
_EXAMPLES = re.compile(r"--------EXAMPLES-----------\n.*?\nNow perform the same with", re.DOTALL)

# RAGAs cuts the JSON out of a text by counting brackets, those inside strings too, and from the
# first "```json" on. Inside a string another spelling of such a sign means the same.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_CONFUSING = {ord(sign): f"\\u{ord(sign):04x}" for sign in "[]{}`"}


def schema_in(prompt: str) -> dict[str, Any] | None:
    """Return the JSON schema that a prompt of RAGAs shows for its answer, if it shows one."""
    _, found, rest = prompt.partition(_BEFORE_SCHEMA)
    if not found:
        return None
    try:
        schema, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    return schema if rest.startswith(_AFTER_SCHEMA, end) and isinstance(schema, dict) else None


def narrowed(schema: dict[str, Any], prompt: str) -> dict[str, Any]:
    """Return a form's schema with what is known of its numbers.

    That is `KNOWN_VALUES`, and the scores that a rubric in the prompt describes.
    """
    values: dict[tuple[str, str], Sequence[int]] = dict(KNOWN_VALUES)
    described = _DESCRIBED.findall(_EXAMPLES.sub("", prompt))
    if scores := sorted(set(map(int, described))):
        values |= {(title, "score"): scores for title in _RUBRIC_FORMS}
    return _with_values(schema, values)


def _with_values(
    schema: dict[str, Any], values: Mapping[tuple[str, str], Sequence[int]]
) -> dict[str, Any]:
    found = dict(schema)
    if "$defs" in found:
        found["$defs"] = {name: _with_values(part, values) for name, part in found["$defs"].items()}
    if "properties" in found:
        found["properties"] = {
            name: {**part, "enum": list(values[found.get("title", ""), name])}
            if (found.get("title"), name) in values and part.get("type") == "integer"
            else part
            for name, part in found["properties"].items()
        }
    return found


def check_prompts() -> None:
    """Raise UsageError where the installed RAGAs shows its schemas otherwise than is read here.

    The classic interface hands over a text alone; without its schema no grammar, and answers that
    do not parse, without a word.
    """

    class Shown(BaseModel):
        value: int

    class Prompt(PydanticPrompt[Shown, Shown]):  # type: ignore[misc]
        instruction = ""
        input_model = output_model = Shown

    if schema_in(Prompt().to_string(Shown(value=1))) != Shown.model_json_schema():
        from importlib.metadata import version

        raise UsageError(
            f"RAGAs {version('ragas')} writes its prompts otherwise than 0.4.3, and the schemas in "
            "them are not found; use FastscoreInstructorLLM, or install ragas==0.4.3"
        )


def text_of(prompt: PromptValue) -> str:
    """Return what a prompt says; UsageError where it holds more than text."""
    messages = prompt.to_messages()
    if any(not isinstance(message.content, str) for message in messages):
        raise UsageError(
            f"a {type(prompt).__name__} holds images or other parts beside text; a GGUF model is "
            "asked in text only, so choose a metric without images"
        )
    return "\n\n".join(message.content for message in messages)


def form(values: Any) -> Written:
    """Return a filled-in form as JSON that RAGAs' parser takes for what it is."""
    dumped = json.dumps(values, ensure_ascii=False)
    text = _STRING.sub(lambda found: found[0].translate(_CONFUSING), dumped)
    return Written(text=text, generation_info={"finish_reason": "stop"})


def free_text(answer: Any) -> Written:
    """Return a text that a model wrote, with why it ended."""
    return Written(text=answer.text, generation_info={"finish_reason": answer.finish_reason})
