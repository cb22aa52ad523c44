"""Forms filled in by models that would write for ever: always whole, always as the schema wants."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from fastscore.assistant import Assistant
from fastscore.assistant.filling import fill_each
from fastscore.assistant.form import form
from fastscore.errors import ModelError, UsageError
from fastscore.model import GenerationRun
from fastscore.types import Sampling

from .conftest import OpenAssistant
from .form_cases import SCHEMAS

PROMPTS = ["the sun", "water", "Question: which"]


def _least_tokens(schema: dict[str, Any]) -> int:
    return int(form(schema).reserve) + 2


def _write_first(monkeypatch: pytest.MonkeyPatch, assistant: Assistant, grammar: str) -> None:
    """Let the first run write under another grammar."""
    generating, left = assistant.model.generating, [grammar]

    def run(requests: Any, sampling: Sampling, **options: str) -> GenerationRun:
        return generating(requests, sampling, grammar=left.pop() if left else options["grammar"])

    monkeypatch.setattr(assistant.model, "generating", run)


@pytest.mark.parametrize("family", ["llama", "llama_spm"])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_forms_are_whole_however_few_tokens_there_are(
    open_assistant: OpenAssistant, family: str, temperature: float
) -> None:
    assistant = open_assistant(family)
    for name, schema in SCHEMAS.items():
        least = _least_tokens(schema)
        for max_tokens in (least, least + 40, least + 200):
            values = assistant.fill(PROMPTS, schema, max_tokens=max_tokens, temperature=temperature)
            assert len(values) == len(PROMPTS), name


def test_no_more_tokens_are_taken_than_asked_for(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    step = GenerationRun._step

    def counted(self: GenerationRun, *args: Any) -> Any:
        finished = step(self, *args)
        taken.extend(done.generation.n_tokens for done in finished)
        return finished

    monkeypatch.setattr(GenerationRun, "_step", counted)
    for max_tokens in (_least_tokens(SCHEMAS["three lists"]), 300):
        taken.clear()
        assistant.fill(["the sun"], SCHEMAS["three lists"], max_tokens=max_tokens, temperature=1.0)
        assert sum(taken) <= max_tokens


def test_required_answers_after_an_endless_text_are_still_the_models(
    open_assistant: OpenAssistant,
) -> None:
    """A form that is cut in its first text goes on to listed values, and they differ."""
    schema = {
        "properties": {"reason": {"type": "string"}, "verdict": {"enum": ["yes", "no", "idk"]}},
        "required": ["reason", "verdict"],
    }
    prompts = [f"the {word}" for word in ("sun", "moon", "river", "cat", "mat", "cup", "tree")]
    values = open_assistant().fill(prompts, schema, max_tokens=80, temperature=1.5)
    assert all(len(value["reason"]) > 20 for value in values)
    assert len({value["verdict"] for value in values}) > 1


def test_batched_forms_are_those_of_one_at_a_time(assistant: Assistant) -> None:
    for temperature in (0.0, 1.0):
        options: dict[str, Any] = {"max_tokens": 120, "temperature": temperature}
        together = assistant.fill(PROMPTS, SCHEMAS["verdicts"], **options)
        alone = [assistant.fill([one], SCHEMAS["verdicts"], **options)[0] for one in PROMPTS]
        assert together == alone


def test_the_seed_decides(assistant: Assistant) -> None:
    def filled(seed: int) -> Any:
        return assistant.fill(["the"], {"type": "string"}, max_tokens=40, temperature=1, seed=seed)

    assert filled(1) == filled(1) != filled(2)


def test_a_text_longer_than_a_grammar_counts_is_cut_to_its_bound(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grammars say no more than 400 repetitions; the form counts on."""
    _write_first(monkeypatch, assistant, 'root ::= "[\\"" "x"{460} "\\"]"')
    schema = {"type": "array", "items": {"type": "string", "maxLength": 450}}
    assert assistant.fill(["the"], schema, max_tokens=700) == [["x" * 450]]


def test_the_spelling_of_eos_within_a_text_ends_that_text(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run stops where a model spells its EOS out; the form is finished from there."""
    _write_first(monkeypatch, assistant, r'root ::= "{\"a\":\"x<|eos|>y\",\"b\":1}"')
    schema = {
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    (value,) = assistant.fill(["the"], schema, max_tokens=200)
    assert value["a"] == "x"


def test_what_a_grammar_did_not_keep_is_taken_back(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_first(monkeypatch, assistant, r'root ::= "{\"a\":true,\"c\":1}"')
    schema = {"properties": {"a": {"type": "boolean"}, "b": {"type": "null"}}, "required": ["b"]}
    assert assistant.fill(["the"], schema, max_tokens=200) == [{"a": True, "b": None}]


def test_a_form_that_a_model_will_not_write_is_an_error_of_its_own(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = assistant.model.generating

    def stubborn(requests: Any, sampling: Sampling, *, grammar: str) -> GenerationRun:
        return run(requests, sampling, grammar='root ::= "no"')

    monkeypatch.setattr(assistant.model, "generating", stubborn)
    (outcome,) = assistant.try_fill(["the"], {"type": "boolean"}, max_tokens=50)
    assert isinstance(outcome, ModelError)
    assert "could not be finished" in str(outcome)


def test_too_few_tokens_for_an_empty_form_are_refused(assistant: Assistant) -> None:
    least = _least_tokens(SCHEMAS["pet"])
    with pytest.raises(UsageError, match=f"give at least {least}"):
        assistant.fill(["the"], SCHEMAS["pet"], max_tokens=least - 1)


def test_more_optional_properties_than_can_be_followed_are_refused(assistant: Assistant) -> None:
    schema = {"properties": {f"p{i}": {"type": "null"} for i in range(1000)}}
    with pytest.raises(UsageError, match="nested too deep, or too many of an object's properties"):
        assistant.fill(["the"], schema)


def test_a_prompt_that_leaves_no_room_is_its_own_error(assistant: Assistant) -> None:
    long = "the river " * 1500
    with pytest.raises(UsageError, match=r"question 1: the prompt has \d+ tokens .* window is"):
        assistant.fill(["the", long], {"type": "boolean"})
    good, bad = assistant.try_fill(["the", long], {"type": "boolean"})
    assert isinstance(good, bool)
    assert isinstance(bad, UsageError)


def test_pydantic_takes_what_its_schemas_made(assistant: Assistant) -> None:
    pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")
    from .pydantic_forms import FORMS

    for model in FORMS:
        schema = model.model_json_schema()
        for temperature in (0.0, 1.0):
            for max_tokens in (_least_tokens(schema), 512):
                for value in assistant.fill(
                    PROMPTS, schema, max_tokens=max_tokens, temperature=temperature
                ):
                    model.model_validate(value)
    assert issubclass(FORMS[0], pydantic.BaseModel)


def test_the_demo_model_fills_in_what_is_asked(demo_model: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "capital": {"type": "string"},
            "reason": {"type": "string"},
            "sure": {"type": "integer", "minimum": 1, "maximum": 5},
        },
        "required": ["capital", "reason", "sure"],
    }
    asked = [
        f"Give the capital of {land} as JSON with the keys capital, reason (a sentence) and sure "
        "(1 to 5)."
        for land in ("France", "Italy", "Japan")
    ]
    with Assistant(demo_model, n_threads=1, max_tokens=160) as assistant:
        values = assistant.fill(asked, schema)
    assert values[0]["capital"].startswith("Paris")
    assert all(re.search(r"\w", value["reason"]) and 1 <= value["sure"] <= 5 for value in values)


def test_forms_of_an_open_model_need_no_assistant(assistant: Assistant) -> None:
    (value,) = fill_each(assistant.model, ["the"], SCHEMAS["score"], 200, Sampling())
    assert 0 <= value["score"] <= 10
