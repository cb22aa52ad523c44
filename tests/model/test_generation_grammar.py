"""Texts under a grammar keep it; what llama.cpp would not survive is refused before it sees it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from gguf import GGUFWriter

from fastscore.errors import DecodeError, UsageError
from fastscore.model import Model, library
from models.fixtures import TinyModel
from models.llama import PlainLlama
from models.tiny import write_tiny

from .engine import open_tiny

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"enum": ["a", "b", None, 3]}, "maxItems": 3},
        "inner": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
    },
    "required": ["name", "age", "inner"],
}


def _fits(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value["name"], str)
        and isinstance(value["age"], int)
        and isinstance(value["inner"]["ok"], bool)
        and all(tag in ("a", "b", None, 3) for tag in value.get("tags", []))
    )


@pytest.mark.parametrize("family", ["llama", "llama_spm", "mamba"])
@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_json_can_be_parsed(tiny_model: TinyModel, family: str, temperature: float) -> None:
    with open_tiny(tiny_model(family), exact=True) as model:
        texts = model.generate(
            ["the sun", "water", "Question: which"],
            n=20 if temperature else 1,
            max_tokens=150,
            temperature=temperature,
            json_schema=PERSON,
        )
    whole = [one for prompt in texts for one in prompt if one.finish_reason != "length"]
    assert len(whole) > 0
    assert all(one.finish_reason == "eos" for one in whole)
    assert all(_fits(json.loads(one.text)) for one in whole)


def test_json_of_any_shape_holds_no_control_characters(tiny_model: TinyModel) -> None:
    """llama_cpp's converter would let them into strings."""
    with open_tiny(tiny_model("llama")) as model:
        schema = {"type": "array", "items": {"type": "string", "pattern": "^a.{0,3}$"}}
        for asked in ('{"type": "array", "items": {"type": "string"}}', schema):
            texts = model.generate("the", n=60, max_tokens=90, temperature=2.0, json_schema=asked)
            whole = [one.text for one in texts if one.finish_reason != "length"]
            assert len(whole) > 5
            for text in whole:
                assert all(isinstance(one, str) for one in json.loads(text))
            assert not any(re.search(r"[\x00-\x1f]", one.text) for one in texts)


def test_json_of_a_real_model_can_be_parsed(demo_model: Path) -> None:
    with Model(demo_model, n_threads=1) as model:
        prompts = ["A person as JSON:", "Describe Alice, who is 30 years old, as JSON: "]
        for temperature in (0.0, 1.0):
            for texts in model.generate(
                prompts, n=3, max_tokens=120, temperature=temperature, json_schema=PERSON
            ):
                for one in texts:
                    if one.finish_reason != "length":
                        assert _fits(json.loads(one.text))


def test_a_grammar_only_changes_tokens_that_break_it(tiny_model: TinyModel) -> None:
    """What may follow anyway is drawn with the same random numbers as without a grammar."""
    with open_tiny(tiny_model("qwen2"), exact=True) as model:
        options = {"max_tokens": 12, "temperature": 1.2}
        free = model.generate("the sun", n=8, **options)
        anything = model.generate("the sun", n=8, grammar='root ::= [^"]* | "\\""*', **options)
        same = [a.text == b.text for a, b in zip(free, anything, strict=True) if '"' not in a.text]
        whole = ["�" in one.text or one.text != one.text.strip("\0") for one in free]
        # Bytes that are no characters break any grammar.
        assert all(s or w for s, w in zip(same, whole, strict=False))


def test_greedy_under_a_grammar_takes_the_likeliest_token_it_allows(
    tiny_model: TinyModel,
) -> None:
    path = tiny_model("llama", seed=4)
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        ids = model.tokenize("the river")
        pieces = model.pieces(range(plain.n_vocab))
        logits = plain.alone(ids)[-1]
        letters = [i for i, piece in enumerate(pieces) if re.fullmatch(rb"[a-z]", piece)]
        best = max(letters, key=lambda i: logits[i])
        (written,) = model.generate("the river", max_tokens=1, grammar="root ::= [a-z]")
        assert written.text.encode() == pieces[best]


@pytest.mark.parametrize(
    ("grammar", "said"),
    [
        ('a ::= "x"', "does not contain a 'root' symbol"),
        ("root ::= b", "cannot be parsed"),
        ('root ::= "abc', "cannot be parsed"),
        ('root ::= root "a" | "b"', "left recursion"),
        ('root ::= "a"{99999999}', "cannot be parsed"),
        ("", "empty"),
        (" \n", "empty"),
        ('root ::= "a"\0"b"', "zero byte"),
        # Of these three llama.cpp overflows its stack, or never returns.
        ("root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000, "more than 200 deep"),
        ("root ::= a0\n" + "".join(f"a{i} ::= a{i + 1}\n" for i in range(99_999)), "2000 rules"),
        ('root ::= "a"{5,2}', "from 5 to 2 times"),
    ],
)
def test_grammars_that_cannot_be_are_refused(
    tiny_model: TinyModel, grammar: str, said: str
) -> None:
    library.load()[1].capture_log()  # a plain model of other tests may have silenced it
    with open_tiny(tiny_model("llama")) as model, pytest.raises(UsageError, match=said):
        model.generate("the", max_tokens=4, grammar=grammar)


def test_brackets_in_texts_classes_and_comments_count_for_nothing(tiny_model: TinyModel) -> None:
    many = "(" * 300
    grammar = f'root ::= "{many}" [(]{{1,3}} # {many} ::= {{5,2}}\n'
    with open_tiny(tiny_model("llama")) as model:
        (written,) = model.generate("the", max_tokens=100, grammar=grammar)
    assert set(written.text) == {"("}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("no JSON", "JSONDecodeError"),
        ({"type": "spaceship"}, "Unrecognized schema"),
        ({"$ref": "https://example.com/schema.json"}, "not allowed"),
        ("3", "cannot be made into a grammar"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": {1, 2}}, "TypeError"),
    ],
)
def test_schemas_that_cannot_be_converted_are_refused(
    tiny_model: TinyModel, schema: object, said: str
) -> None:
    with open_tiny(tiny_model("llama")) as model, pytest.raises(UsageError, match=said):
        model.generate("the", max_tokens=4, json_schema=schema)  # type: ignore[call-overload]


def test_grammar_and_schema_at_once_are_refused(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model, pytest.raises(UsageError, match="not both"):
        model.generate("the", max_tokens=4, grammar='root ::= "a"', json_schema={})


def test_a_text_ends_with_its_grammar_where_the_file_names_no_eos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """llama.cpp then takes some ordinary token for EOS, and allows it after the grammar's end."""
    monkeypatch.setattr(GGUFWriter, "add_eos_token_id", lambda *_: None)
    with open_tiny(write_tiny("llama", tmp_path / "unnamed.gguf")) as model:
        assert model.info.eos is None
        (written,) = model.generate("the", max_tokens=8, grammar='root ::= "ab"')
    assert (written.text, written.finish_reason) == ("ab", "eos")


def test_a_grammar_that_no_token_can_keep_is_an_error(tiny_model: TinyModel) -> None:
    with (
        open_tiny(tiny_model("llama")) as model,
        pytest.raises(DecodeError, match="allows none of the model's tokens"),
    ):
        model.generate("the", max_tokens=4, grammar="root ::= [z-a]")
