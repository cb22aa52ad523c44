"""Schemas of forms: what pydantic writes for the answers that tools ask for, and harder ones."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_STATEMENT = {
    "properties": {
        "statement": {"description": "the statement", "title": "Statement", **_TEXT},
        "reason": {"title": "Reason", **_TEXT},
        "verdict": {"title": "Verdict", "type": "integer"},
    },
    "required": ["statement", "reason", "verdict"],
    "title": "Statement",
    "type": "object",
}


def _listed(name: str) -> dict[str, Any]:
    return {"items": {"$ref": f"#/$defs/{name}"}, "type": "array"}


SCHEMAS: dict[str, dict[str, Any]] = {
    "verdicts": {
        "$defs": {
            "Verdict": {
                "properties": {
                    "verdict": {"enum": ["yes", "no", "idk"], "title": "Verdict", **_TEXT},
                    "reason": {"anyOf": [_TEXT, {"type": "null"}], "default": None},
                },
                "required": ["verdict"],
                "type": "object",
            }
        },
        "properties": {"verdicts": _listed("Verdict")},
        "required": ["verdicts"],
        "type": "object",
    },
    "three lists": {
        "$defs": {"Statement": _STATEMENT},
        "properties": {name: _listed("Statement") for name in ("TP", "FP", "FN")},
        "required": ["TP", "FP", "FN"],
        "type": "object",
    },
    "score": {
        "properties": {
            "score": {"maximum": 10, "minimum": 0, "type": "integer"},
            "confidence": {"exclusiveMaximum": 1.25, "minimum": -0.5, "type": "number"},
            "reason": {"maxLength": 40, "minLength": 3, **_TEXT},
        },
        "required": ["score", "confidence", "reason"],
        "type": "object",
    },
    "tree": {
        "$defs": {
            "Node": {
                "properties": {
                    "name": _TEXT,
                    "left": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                    "children": {**_listed("Node"), "default": []},
                },
                "required": ["name", "left"],
                "type": "object",
            }
        },
        "$ref": "#/$defs/Node",
    },
    "pet": {
        "$defs": {
            "Cat": {
                "properties": {"kind": {"const": "cat", **_TEXT}, "lives": {"type": "integer"}},
                "required": ["kind", "lives"],
                "type": "object",
            },
            "Dog": {
                "properties": {"kind": {"const": "dog", **_TEXT}, "breed": _TEXT},
                "required": ["kind", "breed"],
                "type": "object",
            },
        },
        "properties": {
            "pet": {
                "discriminator": {"propertyName": "kind"},
                "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
            }
        },
        "required": ["pet"],
        "type": "object",
    },
    "containers": {
        "properties": {
            "counts": {"additionalProperties": {"type": "integer"}, "type": "object"},
            "pair": {
                "maxItems": 2,
                "minItems": 2,
                "prefixItems": [{"type": "integer"}, _TEXT],
                "type": "array",
            },
            "matrix": {
                "items": {"items": {"type": "number"}, "type": "array"},
                "maxItems": 3,
                "minItems": 2,
                "type": "array",
            },
            "set": {"items": {"enum": ["a", "b"]}, "type": "array", "uniqueItems": True},
            "by_name": {
                "additionalProperties": {"type": "boolean"},
                "propertyNames": {"enum": ["x", "y"]},
                "type": "object",
            },
        },
        "required": ["counts", "pair", "matrix"],
        "type": "object",
    },
    "anything": {
        "properties": {"any": {"title": "Any"}, "free": {"type": "object"}, "none": {}},
        "required": ["any", "free"],
        "type": "object",
    },
    "formats": {
        "properties": {
            "day": {"format": "date", **_TEXT},
            "moment": {"format": "date-time", **_TEXT},
            "id": {"format": "uuid", **_TEXT},
            "code": {"pattern": "^[A-Z]{2}-\\d+$", **_TEXT},
        },
        "required": ["day", "moment", "id", "code"],
        "type": "object",
    },
    "odd names": {
        "properties": {
            'say "hi"': {"type": "boolean"},
            "ä\n": {"type": ["integer", "null"]},
            "item": _listed("item"),
        },
        "$defs": {"item": {"enum": [1, 2.5, None, "é", [1, "x"]]}},
        "required": ['say "hi"', "item"],
        "type": "object",
    },
    "all of one": {"allOf": [{"$ref": "#/$defs/S"}], "$defs": {"S": _STATEMENT}},
    "no properties": {"properties": {}, "title": "Empty", "type": "object"},
    "list": {"items": {"type": "number"}, "minItems": 1, "type": "array"},
    "number": {"type": "number"},
    "text": _TEXT,
}
