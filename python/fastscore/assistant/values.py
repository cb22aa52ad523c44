"""Values as a model wrote them, held against their schema once more.

The grammar has kept the form already; this is a second opinion, by the schema's own words, and the
place where entries of a set that stand twice are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def read(text: str, schema: Mapping[str, Any]) -> Any:
    """Return the value of a filled-in form; ValueError says where it does not keep its schema.

    Of a property named twice the first value counts; what stands twice in an array of
    ``uniqueItems`` is dropped.
    """
    return _Reading(schema).kept(json.loads(text, object_pairs_hook=_first), schema, "the value")


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


class _Reading:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def kept(self, value: Any, schema: Any, where: str) -> Any:
        if not isinstance(schema, Mapping):
            return value
        if "$ref" in schema:
            value = self.kept(value, self._definition(schema["$ref"]), where)
        for part in schema.get("allOf", ()):
            value = self.kept(value, part, where)
        for options in (schema.get("anyOf"), schema.get("oneOf")):
            if options is not None:
                value = self._any_of(value, options, where)
        if "const" in schema and not _same(value, schema["const"]):
            raise ValueError(f"{where} is {value!r:.60} and not {schema['const']!r:.60}")
        if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
            raise ValueError(f"{where} is {value!r:.60}, which is not listed")
        _check_type(value, schema.get("type"), where)
        if isinstance(value, str):
            _check_range(len(value), schema.get("minLength"), schema.get("maxLength"), where)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            _check_range(value, schema.get("minimum"), schema.get("maximum"), where)
            if value in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
                raise ValueError(f"{where} is {value}, which is left out")
            _check_range(
                value, schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum"), where
            )
        elif isinstance(value, list):
            return self._array(value, schema, where)
        elif isinstance(value, dict):
            return self._object(value, schema, where)
        return value

    def _definition(self, name: str) -> Any:
        found: Any = self._root
        for step in name[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]
        return found

    def _any_of(self, value: Any, options: Sequence[Any], where: str) -> Any:
        said = []
        for option in options:
            try:
                return self.kept(value, option, where)
            # A form leaves alternatives out that it cannot keep: such may be no schemas at all.
            except (ValueError, LookupError, TypeError, RecursionError) as error:
                said.append(str(error))
        raise ValueError("; ".join(said))

    def _array(self, value: list[Any], schema: Mapping[str, Any], where: str) -> list[Any]:
        heads, items = schema.get("prefixItems", ()), schema.get("items")
        if isinstance(items, list):
            heads, items = items, schema.get("additionalItems")
        kept: list[Any] = []
        for i, one in enumerate(value):
            described = heads[i] if i < len(heads) else items
            one = self.kept(one, described, f"{where}[{i}]")
            if not (schema.get("uniqueItems") and any(_same(one, other) for other in kept)):
                kept.append(one)
        _check_range(len(kept), schema.get("minItems"), schema.get("maxItems"), f"{where}'s length")
        return kept

    def _object(
        self, value: dict[str, Any], schema: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        for name in schema.get("required", ()):
            if name not in value:
                raise ValueError(f"{where} lacks {name!r:.60}")
        properties = schema.get("properties", {})
        extra = schema.get("additionalProperties", True)
        for name in value:
            if extra is False and name not in properties:
                raise ValueError(f"{where} has {name!r:.60}, which is not described")
        return {
            name: self.kept(one, properties.get(name, extra), f"{where}[{name!r}]")
            for name, one in value.items()
        }


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 is 1.0 and not true."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _check_type(value: Any, kinds: Any, where: str) -> None:
    if kinds is None:
        return
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if isinstance(value, _TYPES[kind]) and (kind == "boolean") >= isinstance(value, bool):
            return
    raise ValueError(f"{where} is {value!r:.60}, which is no {kinds}")


def _check_range(value: float, low: float | None, high: float | None, where: str) -> None:
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(f"{where} is {value!r:.60}, which is not from {low} to {high}")
