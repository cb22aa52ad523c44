"""What RAGAs' classic prompts show of their answers, and answers as its parser takes them."""

from __future__ import annotations

import asyncio
import json
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastscore.errors import UsageError

pytest.importorskip("ragas", reason="RAGAs is not installed")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # RAGAs marks its classic metrics as old
    import ragas.metrics.collections  # noqa: F401  # its forms are looked for
    from langchain_core.messages import HumanMessage
    from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
    from pydantic import BaseModel
    from ragas.metrics._nv_metrics import AnswerAccuracy
    from ragas.prompt import PydanticPrompt
    from ragas.prompt.pydantic_prompt import RagasOutputParser
    from ragas.prompt.utils import extract_json

from fastscore.integrations.ragas.prompts import (
    check_prompts,
    form,
    schema_in,
    text_of,
)


def _prompts() -> list[Any]:
    """Every prompt of the classic metrics that wants JSON."""
    found, kinds = [], [PydanticPrompt]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if hasattr(kind, "output_model") and kind.__module__.startswith("ragas.metrics"):
            found.append(kind)
    return sorted(found, key=lambda kind: (kind.__module__, kind.__name__))


def test_the_schema_is_found_in_every_prompt_that_shows_one() -> None:
    prompts = [kind for kind in _prompts() if "multi_modal" not in kind.__module__]
    assert len(prompts) >= 15
    for kind in prompts:
        shown = kind().to_string(None)
        assert schema_in(shown) == kind.output_model.model_json_schema(), kind


def test_other_prompts_show_none() -> None:
    assert schema_in("Say hello.") is None
    assert schema_in(AnswerAccuracy.template_accuracy1) is None
    shown = _prompts()[0]().to_string(None)
    quoted = shown[shown.index("Please return") :]
    assert schema_in(quoted) is not None
    assert schema_in(quoted[:180]) is None  # cut within the schema
    assert schema_in(quoted.replace("Do not use single quotes", "Do as you like")) is None


def test_the_prompt_shows_its_own_schema_before_any_in_its_data() -> None:
    class Quote(BaseModel):
        text: str

    class Prompt(PydanticPrompt[Quote, Quote]):
        instruction = "Shorten the text."
        input_model = output_model = Quote

    foreign = _prompts()[0]().to_string(None)
    assert schema_in(Prompt().to_string(Quote(text=foreign))) == Quote.model_json_schema()


def test_a_ragas_with_other_prompts_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    check_prompts()
    monkeypatch.setattr(PydanticPrompt, "_generate_output_signature", lambda self: "Answer in XML.")
    with pytest.raises(UsageError, match=r"writes its prompts otherwise than 0\.4\.3"):
        check_prompts()


class Statements(BaseModel):
    statements: list[str]


def _parsed(text: str) -> Statements:
    parser = RagasOutputParser(pydantic_object=Statements)
    return asyncio.run(
        parser.parse_output_string(text, StringPromptValue(text=""), None, None, retries_left=0)  # type: ignore[arg-type]
    )


@given(st.lists(st.text(st.sampled_from("a é\\\"'{}[]`json:,\n\t\u2028😀")) | st.text()))
def test_whatever_stands_in_a_form_comes_back_from_ragas_parser(statements: list[str]) -> None:
    whole = [text.encode(errors="ignore").decode() for text in statements]
    assert _parsed(form({"statements": whole}).text).statements == whole


def test_plain_json_would_not_come_back() -> None:
    """RAGAs counts brackets inside strings: the reason why `form` spells them otherwise."""
    plain = json.dumps({"statements": ["a } b"]})
    assert extract_json(plain) != plain


def test_a_prompt_with_images_is_refused() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    with pytest.raises(UsageError, match="ChatPromptValue holds images"):
        text_of(ChatPromptValue(messages=[HumanMessage(content=[image])]))
    assert text_of(StringPromptValue(text="Hello {name}")) == "Hello {name}"
