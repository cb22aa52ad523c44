"""What a form allows: its texts keep the schema, and every beginning can be ended in time."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from fastscore.assistant.expression import NEVER, follow
from fastscore.assistant.form import form
from fastscore.assistant.values import read
from fastscore.errors import UsageError

from .form_cases import SCHEMAS
from .sampled import sampled

every_schema = pytest.mark.parametrize("name", list(SCHEMAS))


def accepts(expression: Any, text: str) -> bool:
    ending, n = follow(expression, text)
    return n == len(text) and ending.nullable


@every_schema
def test_texts_of_a_form_keep_the_schema(name: str) -> None:
    rng = random.Random(name)
    whole = form(SCHEMAS[name])
    for _ in range(60):
        text = sampled(whole, rng)
        assert accepts(whole, text)
        read(text, SCHEMAS[name])


@every_schema
def test_wherever_a_text_is_cut_a_short_ending_fits_into_the_reserve(name: str) -> None:
    rng = random.Random(name)
    whole = form(SCHEMAS[name])
    assert whole.shortened.longest <= whole.reserve
    for _ in range(12):
        text = sampled(whole, rng)
        for end in rng.choices(range(len(text) + 1), k=8):
            ending, n = follow(whole, text[:end])
            assert n == end
            assert ending.shortened.longest <= whole.reserve
            assert ending.shortened.longest <= ending.tightened(64).longest
            for texts in (0, 64):
                finished = text[:end] + sampled(ending.tightened(texts), rng)
                assert accepts(whole, finished)
                read(finished, SCHEMAS[name])


def test_a_text_is_followed_up_to_what_does_not_belong() -> None:
    ending, n = follow(form(SCHEMAS["pet"]), '{"pet":{"kind":"cat","breed')
    assert n == len('{"pet":{"kind":"cat","')
    assert accepts(ending, 'lives":9}}')
    assert not ending.nullable


def test_white_space_is_what_people_write_and_ends() -> None:
    whole = form(SCHEMAS["list"])
    for text in ("[1, 2,3]", "[ 1 ]", "[\n  1,\n  2\n]"):
        assert accepts(whole, text)
    for text in ("[1,  2]", "[1 , 2]", "[1,\n\n2]", "[1,\n" + " " * 25 + "2]", " [1]", "[1]\n"):
        assert not accepts(whole, text)
    ending, _ = follow(whole, "[1,\n ")
    assert accepts(ending.shortened, "2]")
    assert not accepts(ending.shortened, " 2]")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ('"ä\\n\\u00e9\\\\"', True),
        ('"\\ud83d"', False),  # half of a UTF-16 pair
        ('"\n"', False),
        ('"\x7f"', False),
        ('"a"b"', False),
        ('"\\x"', False),
    ],
)
def test_strings_are_those_of_json(text: str, allowed: bool) -> None:
    assert accepts(form({"type": "string"}), text) is allowed


def test_a_definition_stands_within_itself_three_times() -> None:
    def nested(depth: int) -> str:
        inner = nested(depth - 1) if depth else "null"
        return f'{{"name":"","left":{inner}}}'

    assert accepts(form(SCHEMAS["tree"]), nested(3))
    assert not accepts(form(SCHEMAS["tree"]), nested(4))


@pytest.mark.parametrize(
    "source",
    ["", "a", "[a-z]+", "^(ab|a|b|ba)+$", r"^(\w+ ?){1,5}$", r"^\w*(a|b)?\w*$", "^.*a.*b.*$"],
)
def test_a_text_of_many_readings_is_followed_without_end(source: str) -> None:
    """What may follow is the same however often the text comes again, not a set that grows."""
    whole = form({"type": "string", "pattern": source})
    ending, n = follow(whole, '"' + "ab" * 40)
    assert n == 81
    assert ending is follow(whole, '"' + "ab" * 41)[0]
    assert accepts(ending, '"')


def test_lists_within_lists_are_soon_bounded() -> None:
    """Each level is bounded once, not once for each white space around it."""
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(30):
        schema = {"type": "array", "items": schema, "minItems": 1}
    assert form(schema).reserve == 30 + len("null") + 30


def test_what_tells_alternatives_apart_is_never_missing() -> None:
    cat = {"properties": {"kind": {"const": "cat", "default": "cat"}, "lives": {"type": "integer"}}}
    schema = {"oneOf": [cat, {"type": "null"}], "discriminator": {"propertyName": "kind"}}
    assert accepts(form(schema), '{"kind":"cat"}')
    assert not accepts(form(schema), '{"lives":9}')
    assert accepts(form({"oneOf": [cat]}), '{"lives":9}')


def test_alternatives_that_cannot_be_kept_are_left_out_if_others_remain() -> None:
    mail = {"type": "string", "format": "email"}
    whole = form({"anyOf": [{"type": "integer"}, mail]})
    assert accepts(whole, "7")
    assert whole.after('"') is NEVER


@pytest.mark.parametrize(
    "other",
    [
        {"type": "spaceship"},
        {"$ref": "#/$defs/nothing"},
        {"$ref": "https://example.com/x.json"},
        {"type": "string", "minLength": "long"},
        {"$ref": "#"},
    ],
)
def test_alternatives_that_are_left_out_do_not_spoil_the_value(other: Any) -> None:
    schema = {"anyOf": [other, {"type": "string"}]}
    assert accepts(form(schema), '"x"')
    assert read('"x"', schema) == "x"


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "spaceship"}, "none of JSON's"),
        ({"$ref": "https://example.com/x.json"}, "definitions of its own"),
        ({"$ref": "#/$defs/nothing"}, "does not define"),
        ({"type": "string", "format": "email"}, "format 'email' is unknown"),
        ({"type": "string", "format": ["date"]}, "it is a name"),
        ({"type": "string", "pattern": "^(?=a)"}, "a group begins with"),
        ({"type": "string", "pattern": "^a$", "maxLength": 3}, "pattern and a length"),
        ({"type": "integer", "multipleOf": 3}, "'multipleOf'"),
        ({"not": {"type": "null"}}, "'not'"),
        ({"type": "integer", "minimum": "low"}, "is no number"),
        ({"type": "integer", "minimum": float("inf")}, "is no number"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "nothing keeps the schema"),
        ({"enum": []}, "no list of anything"),
        ({"enum": [float("nan")]}, "written as JSON"),
        ({"const": {1, 2}}, "written as JSON"),
        ({"type": "array", "minItems": -1}, "not negative"),
        ({"type": "object", "required": ["a"]}, "not described"),
        ({"type": "object", "minProperties": 2}, "number of properties"),
        ({"allOf": [{"type": "integer"}, {"type": "string"}]}, "hold together"),
        ({"properties": {"a": 3}}, "is no schema"),
        ([], "as a mapping"),
        (False, "as a mapping"),
        (
            {"$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]}}}
            | {"$ref": "#/$defs/A"},
            "need themselves",
        ),
        ({"anyOf": [{"$ref": "#"}], "title": "x"}, "need themselves"),
        ({"allOf": [{"$ref": "#"}]}, "hold together|without end"),
    ],
)
def test_schemas_that_a_form_cannot_keep_are_refused(schema: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        form(schema)


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ('{"a":1,"a":2}', {"additionalProperties": {"type": "integer"}}, {"a": 1}),
        ("[1,2,1,true]", {"type": "array", "uniqueItems": True}, [1, 2, True]),
    ],
)
def test_of_what_stands_twice_the_first_counts(text: str, schema: Any, value: object) -> None:
    assert read(text, schema) == value


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, {"type": "integer"}),
        (1.0, {"type": "integer"}),
        (1, {"type": "boolean"}),
        (3, {"maximum": 2}),
        (2, {"exclusiveMaximum": 2}),
        (1, {"exclusiveMinimum": 2}),
        ("ab", {"minLength": 3}),
        ([1, 1], {"uniqueItems": True, "minItems": 2}),
        ({"a": 1}, {"properties": {"a": {"type": "string"}}}),
        ({"b": 1}, {"required": ["a"]}),
        ({"b": 1}, {"additionalProperties": False}),
        ([1, "x"], {"items": {"type": "integer"}}),
        (["x"], {"prefixItems": [{"type": "integer"}]}),
        (4, {"anyOf": [{"const": 3}, {"enum": ["4"]}]}),
        (1, {"const": True}),
        ("x", {"$ref": "#/$defs/N", "$defs": {"N": {"type": "null"}}}),
    ],
)
def test_values_that_do_not_keep_their_schema_are_found(value: object, schema: Any) -> None:
    with pytest.raises(ValueError, match="the value"):
        read(json.dumps(value), schema)
