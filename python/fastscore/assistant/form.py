"""From a JSON schema to the set of JSON texts that keep it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastscore.assistant.expression import (
    EMPTY,
    NEVER,
    Expression,
    Literal,
    choice,
    repeat,
    sequence,
)
from fastscore.assistant.keywords import (
    CANNOT,
    as_json,
    count,
    implied,
    joined,
    listed,
    says,
    shown,
)
from fastscore.assistant.numerals import Bounds, bounds_of, decimals, integers
from fastscore.assistant.patterns import pattern
from fastscore.assistant.strings import FORMATS, FREE_FORMATS, free_text
from fastscore.errors import UsageError

# How often a definition may stand within itself, and how deep values of any type may be.
_DEEPEST = 3
_DEEPEST_ANY = 2
# Parts of a schema, definitions counted wherever they stand.
_MOST_PARTS = 20_000

# Models write JSON over several lines where a prompt shows it so: kept from it, small ones leave
# lists empty or fill them with commas. The first of alternatives goes when room is short.
_WHITE = choice(
    [
        choice([Literal(" "), sequence(Literal("\n"), repeat(Literal(" "), 0, 24, "spare"))]),
        EMPTY,
    ],
    "spare",
)
_COMMA = sequence(Literal(","), _WHITE)
_COLON = sequence(Literal(":"), repeat(Literal(" "), 0, 1))
_BOOLEAN = choice([Literal("true"), Literal("false")])
_NULL = Literal("null")


def form(schema: Mapping[str, Any]) -> Expression:
    """Return the JSON texts that keep a schema, as wide as it allows but for its depth.

    Properties come in the schema's order, on one line or on indented ones. Objects have no
    properties but those that are named, unless ``additionalProperties`` describes them. A
    definition stands within itself at most three times, values of any type have at most two
    levels; numbers have up to 15 digits before and after the point. Raises UsageError for what
    cannot be kept, and for a schema that no value of such depth keeps.
    """
    if not isinstance(schema, Mapping):
        raise UsageError(f"the schema is {schema!r:.100}; give a JSON schema as a mapping")
    try:
        found = _Schema(schema).part(schema, ())
    except RecursionError as error:
        raise UsageError(f"the schema {shown(schema)} stands within itself without end") from error
    if found is NEVER:
        raise UsageError(
            f"nothing keeps the schema {shown(schema)}: its definitions need themselves without "
            "end, or its bounds leave nothing between them"
        )
    return found


class _Schema:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._n_parts = 0
        self._any: dict[int, Expression] = {}

    def part(self, schema: Any, within: tuple[str, ...]) -> Expression:
        """Texts of a part of the schema; ``within`` are the definitions around it."""
        self._n_parts += 1
        if self._n_parts > _MOST_PARTS:
            raise UsageError(
                f"the schema has more than {_MOST_PARTS} parts, definitions counted wherever they "
                "stand; make it smaller"
            )
        if schema is True:
            return self._anything(_DEEPEST_ANY)
        if schema is False:
            return NEVER
        if not isinstance(schema, Mapping):
            raise UsageError(f"a part of the schema is {schema!r:.100}, which is no schema")
        for name in CANNOT:
            if name in schema:
                raise UsageError(
                    f"the schema has {name!r} in {shown(schema)}, which a form cannot keep; leave "
                    "it out and check the value"
                )
        if "$ref" in schema:
            return self._definition(schema, within)
        if "allOf" in schema:
            return self.part(self._merged(schema), within)
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return self._any_of(schema, name, within)
        if "const" in schema:
            return Literal(as_json(schema["const"]))
        if "enum" in schema:
            return choice(Literal(as_json(value)) for value in listed(schema, "enum"))
        kind = schema.get("type", implied(schema))
        if isinstance(kind, (list, tuple)):
            return choice(
                [self._typed({**schema, "type": one}, one, within) for one in kind], "union"
            )
        return self._typed(schema, kind, within)

    def _any_of(self, schema: Mapping[str, Any], name: str, within: tuple[str, ...]) -> Expression:
        """Alternatives, of which those that a form cannot keep are left out if others are there."""
        around = {key: value for key, value in schema.items() if key != name}
        found, refused = [], []
        for option in listed(schema, name):
            try:
                option = self._tagged(option, schema.get("discriminator"))
                whole = joined(around, self._resolved(option)) if says(around) else option
                found.append(self.part(whole, within))
            except UsageError as error:
                refused.append(error)
        if not found:
            raise refused[0]
        return choice(found, "union")

    def _tagged(self, option: Any, discriminator: Any) -> Any:
        """Require the property that tells alternatives apart; one with a default may be missing."""
        tag = discriminator.get("propertyName") if isinstance(discriminator, Mapping) else None
        whole = self._resolved(option)
        if not isinstance(whole, Mapping) or tag not in whole.get("properties", ()):
            return option
        return {**option, "required": [*option.get("required", ()), tag]}

    def _typed(self, schema: Mapping[str, Any], kind: Any, within: tuple[str, ...]) -> Expression:
        if kind is None:
            return self._anything(_DEEPEST_ANY)
        if kind == "object":
            return self._object(schema, within)
        if kind == "array":
            return self._array(schema, within)
        if kind == "string":
            return _string(schema)
        if kind in ("integer", "number"):
            return (integers if kind == "integer" else decimals)(bounds_of(schema))
        if kind in ("boolean", "null"):
            return _BOOLEAN if kind == "boolean" else _NULL
        raise UsageError(f"the type {kind!r} in {shown(schema)} is none of JSON's")

    def _definition(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Expression:
        name = schema["$ref"]
        if within.count(name) > _DEEPEST:
            return NEVER
        return self.part(self._resolved(schema), (*within, name))

    def _resolved(self, schema: Any) -> Any:
        """Put a definition in the place of its name; what stands beside it holds as well."""
        if not isinstance(schema, Mapping) or "$ref" not in schema:
            return schema
        name = schema["$ref"]
        if not isinstance(name, str) or not name.startswith("#"):
            raise UsageError(f"$ref is {name!r:.100}; a form knows definitions of its own, #/...")
        found: Any = self._root
        for step in name[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Sequence) and not isinstance(found, str) and key.isdecimal():
                found = found[int(key)] if int(key) < len(found) else None
            else:
                found = found.get(key) if isinstance(found, Mapping) else None
        if found is None:
            raise UsageError(f"$ref is {name!r:.100}, which the schema does not define")
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return joined(found, beside) if says(beside) else found

    def _merged(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        merged: Mapping[str, Any] = {key: schema[key] for key in schema if key != "allOf"}
        for part in listed(schema, "allOf"):
            merged = joined(merged, self._resolved(part))
        return merged

    def _object(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Expression:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        extra = schema.get("additionalProperties", "properties" not in schema)
        if not isinstance(properties, Mapping) or not isinstance(required, (list, tuple)):
            raise UsageError(f"properties or required of {shown(schema)} are no schema's")
        least = count(schema, "minProperties") or 0
        most = count(schema, "maxProperties")
        if least > (len(required) if properties else 1) or (
            most is not None and (extra is not False or most < len(properties))
        ):
            raise UsageError(
                f"the schema bounds the number of properties in {shown(schema)}, which a form "
                "cannot keep; name the properties, or leave it out"
            )
        for name in required:
            if name not in properties:
                raise UsageError(f"{name!r:.60} is required in {shown(schema)} and not described")
        # With a property before it, and without.
        later: Expression = EMPTY
        first: Expression = EMPTY
        if extra is not False and (extra is not True or not properties):
            key = (
                self.part({"type": "string", **schema["propertyNames"]}, within)
                if isinstance(schema.get("propertyNames"), Mapping)
                else free_text()
            )
            pair = sequence(key, _COLON, self.part(extra, within))
            later = repeat(sequence(_COMMA, pair), 0, None, "spare")
            some = sequence(pair, later)
            first = some if least and not required else choice([some, EMPTY], "spare")
        for name, described in reversed(list(properties.items())):
            pair = sequence(Literal(as_json(name)), _COLON, self.part(described, within))
            with_it, alone = sequence(_COMMA, pair, later), sequence(pair, later)
            if name in required:
                later, first = with_it, alone
            else:
                later = _spare(with_it, later)
                first = _spare(alone, first)
        return _within("{", first, "}")

    def _array(self, schema: Mapping[str, Any], within: tuple[str, ...]) -> Expression:
        least, most = count(schema, "minItems") or 0, count(schema, "maxItems")
        heads, items = schema.get("prefixItems", []), schema.get("items")
        if isinstance(items, (list, tuple)):  # before draft 2020-12
            heads, items = items, schema.get("additionalItems")
        if not isinstance(heads, (list, tuple)):
            raise UsageError(f"prefixItems of {shown(schema)} is no list")
        if items is None:  # whatever follows the described ones: nothing, where that may be
            items = not heads or least > len(heads)
        full = most is not None and most <= len(heads)
        item = NEVER if full else self.part(items, within)
        left = None if most is None else max(0, most - len(heads))
        found = repeat(sequence(_COMMA, item), max(0, least - len(heads)), left, "spare")
        if not heads:
            fewest = max(0, least - 1)
            rest = repeat(
                sequence(_COMMA, item), fewest, None if most is None else most - 1, "spare"
            )
            some = NEVER if most == 0 else sequence(item, rest)
            found = some if least else _spare(some, EMPTY)
        for i, head in reversed(list(enumerate(heads[:most]))):
            pair = sequence(_COMMA if i else EMPTY, self.part(head, within), found)
            found = pair if i < least else _spare(pair, EMPTY)
        return _within("[", found, "]")

    def _anything(self, depth: int) -> Expression:
        """Any value; lists and objects of up to ``depth`` levels."""
        if depth not in self._any:
            options = [free_text(), decimals(Bounds()), _BOOLEAN, _NULL]
            if depth:
                inner = self._anything(depth - 1)
                pair = sequence(free_text(), _COLON, inner)
                for begin, one, end in (("[", inner, "]"), ("{", pair, "}")):
                    some = sequence(one, repeat(sequence(_COMMA, one), 0, None, "spare"))
                    options.append(_within(begin, _spare(some, EMPTY), end))
            self._any[depth] = choice(options, "union")
        return self._any[depth]


def _within(begin: str, content: Expression, end: str) -> Expression:
    return sequence(Literal(begin), _WHITE, content, _WHITE, Literal(end))


def _spare(some: Expression, less: Expression) -> Expression:
    return choice([some, less], "spare")


def _string(schema: Mapping[str, Any]) -> Expression:
    least, most = count(schema, "minLength") or 0, count(schema, "maxLength")
    name = schema.get("format")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"format is {name!r:.60} in {shown(schema)}; it is a name")
    if "pattern" in schema:
        if least or most is not None or name is not None:
            raise UsageError(
                f"the schema has a pattern and a length or format in {shown(schema)}, of which a "
                "form can keep one; say both in the pattern, or check the value"
            )
        return pattern(str(schema["pattern"]))
    if name in FORMATS:
        return FORMATS[name]
    if name is not None and name not in FREE_FORMATS:
        raise UsageError(
            f"the format {name!r:.60} is unknown; a form keeps {', '.join(FORMATS)}; leave it out "
            "and check the value"
        )
    return free_text(least, most)
