"""What RAGAs' classic prompts ask for, and answers as its parser takes them.

The classic interface hands an LLM nothing but the text of a prompt. Where JSON is wanted, the text
shows the schema, word for word, and so the grammar can be made of it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_core.outputs import Generation as Written
from langchain_core.prompt_values import PromptValue
from pydantic import BaseModel
from ragas.prompt import PydanticPrompt

from fastscore.assistant import Decision
from fastscore.errors import UsageError

# What RAGAs writes around the schema of the answer, in every prompt that wants JSON.
_BEFORE_SCHEMA = (
    "Please return the output in a JSON format that complies with the following schema as "
    "specified in JSON Schema:\n"
)
_AFTER_SCHEMA = "Do not use single quotes"

# What it writes around the row that is asked about, last of all.
_BEFORE_ROW = "\nNow perform the same with the following input\ninput: "

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


def instruction_in(prompt: str) -> str:
    """Return what stands before the schema: the user's part, without any row's."""
    return prompt.partition(_BEFORE_SCHEMA)[0]


def row_in(prompt: str) -> dict[str, Any]:
    """Return the row that a prompt of RAGAs asks about; nothing where it shows none.

    A row cannot pretend to be another one: JSON has no line breaks in texts.
    """
    try:
        row, _ = json.JSONDecoder().raw_decode(prompt.rpartition(_BEFORE_ROW)[2])
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


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


def rating(decision: Decision) -> Written:
    """Return the rating that was decided for."""
    return Written(text=decision.choice, generation_info={"finish_reason": "stop"})
