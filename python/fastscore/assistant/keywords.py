"""The words of a JSON schema, read with care."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fastscore.errors import UsageError

# What a form cannot keep, and what says of which type something is.
CANNOT = (
    "not",
    "if",
    "contains",
    "patternProperties",
    "dependentRequired",
    "dependentSchemas",
    "multipleOf",
)
_OF_TYPE = {
    "object": ("properties", "required", "additionalProperties", "propertyNames"),
    "array": ("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}


def implied(schema: Mapping[str, Any]) -> str | None:
    """Return the type that a schema without one speaks of."""
    for kind, names in _OF_TYPE.items():
        if any(name in schema for name in names):
            return kind
    return None


def says(schema: Mapping[str, Any]) -> bool:
    """Whether anything in it is more than a remark."""
    known = {"type", "enum", "const", "anyOf", "oneOf", "allOf", *CANNOT}
    return any(
        name in known or any(name in names for names in _OF_TYPE.values()) for name in schema
    )


def joined(one: Any, other: Any) -> Any:
    """Both schemas at once; UsageError where they speak of the same thing otherwise."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        raise UsageError(f"{one!r:.60} and {other!r:.60} cannot hold together")
    joined = dict(one)
    for name, value in other.items():
        if name == "properties":
            joined[name] = {**joined.get(name, {}), **value}
        elif name == "required":
            joined[name] = [*joined.get(name, []), *value]
        elif name in joined and joined[name] != value and says({name: value}):
            raise UsageError(
                f"two parts of the schema that hold together give {name} as {joined[name]!r:.60} "
                f"and {value!r:.60}; give one"
            )
        else:
            joined[name] = value
    return joined


def count(schema: Mapping[str, Any], name: str) -> int | None:
    """Return a number of things, None where there is none; UsageError for what is no number."""
    value = schema.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
        raise UsageError(f"{name} is {value!r:.60}; it is a whole number, not negative")
    return value


def listed(schema: Mapping[str, Any], name: str) -> Sequence[Any]:
    """Return a list that is not empty; UsageError for what is none."""
    value = schema[name]
    if not isinstance(value, (list, tuple)) or not value:
        raise UsageError(f"{name} of {shown(schema)} is no list of anything")
    return value


def as_json(value: Any) -> str:
    """Return a value as JSON spells it; UsageError for what it cannot spell."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{value!r:.60} in the schema cannot be written as JSON: {error}"
        ) from error
    return text


def shown(schema: Mapping[str, Any]) -> str:
    """Return the beginning of a schema, for messages."""
    return f"{json.dumps(schema, default=repr):.100}"
