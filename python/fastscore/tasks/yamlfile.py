"""A strict reading of small YAML files: one level of keys, errors with file and line."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from fastscore.errors import UsageError
from fastscore.nearest import did_you_mean

MAX_BYTES = 64 * 1024
"""Size of such a file; what is larger is a file of rows given by mistake."""


def short(value: Any) -> str:
    """Print ``value`` for a message; a few lines of YAML can stand for one of any size."""
    return reprlib.repr(value)


@dataclass(frozen=True)
class Entries:
    """The top level of a YAML file: values, and the lines (from 1) that their keys stand on.

    Each reading method takes a key and raises UsageError, with file and line, where the value is
    not what the method's name says.
    """

    path: Path
    values: dict[str, Any]
    lines: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> Entries:
        """Read a file whose top level is a mapping; UsageError where it is none."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError as error:
            raise UsageError(f"there is no file {path}; a task file is YAML") from error
        except OSError as error:
            raise UsageError(f"{path}: the task file cannot be read: {error.strerror}") from error
        if len(raw) > MAX_BYTES:
            raise UsageError(
                f"{path} has {len(raw)} bytes; a task file has at most {MAX_BYTES}. Rows belong "
                "into a file of their own"
            )
        try:
            text = raw.decode("utf-8-sig")
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            values = yaml.safe_load(text)
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f":{mark.line + 1}" if mark else ""
            raise UsageError(f"{path}{line}: not valid YAML: {error.problem}") from error
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise UsageError(f"{path}: not valid YAML: {error}") from error
        if not isinstance(node, yaml.MappingNode) or not isinstance(values, dict):
            raise UsageError(f"{path}: a task file is a list of 'key: value' lines; see the README")
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in lines:
                raise UsageError(
                    f"{path}:{line}: {key.value} is there a second time (first in line "
                    f"{lines[key.value]})"
                )
            lines[key.value] = line
        return cls(path, values, lines)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise a UsageError about ``key``."""
        line = f":{self.lines[key]}" if key in self.lines else ""
        raise UsageError(f"{self.path}{line}: {key} {what}")

    def check_keys(self, known: Sequence[str], required: Sequence[str]) -> None:
        """Refuse keys that nobody knows, naming the nearest, and the lack of a required one."""
        for key in self.lines:
            if key not in known:
                hint = did_you_mean(key, known, f"there are {', '.join(known)}")
                self.fail(key, f"is no key of a task file; {hint}")
        for key in required:
            if key not in self.values:
                self.fail(key, "is missing")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self.values.get(key, default)
        if not isinstance(value, str):
            self.fail(key, f"must be a text, not {short(value)}; put it into quotes if it is one")
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a list of texts that is not empty."""
        values = self.values.get(key, list(default))
        if not isinstance(values, list) or not values:
            self.fail(key, f"must be a list of texts, not {short(values)}")
        for value in values:
            if not isinstance(value, str):
                self.fail(key, f"holds {short(value)}, which YAML does not read as text; quote it")
        return tuple(values)

    def one_of(self, key: str, options: Sequence[str]) -> str:
        """Return one of ``options``, by default the first."""
        value = self.text(key, options[0])
        if value not in options:
            self.fail(key, f"is {value!r}; it must be {' or '.join(options)}")
        return value

    def count(self, key: str) -> int:
        """Return a whole number, 0 or more, by default 0."""
        value = self.values.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.fail(key, f"is {short(value)}; it must be a whole number, 0 or more")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false, by default false."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.fail(key, f"is {short(value)}; it must be true or false")
        return value

    def file(self, key: str) -> Path:
        """Return the absolute path of a file named relative to the YAML file."""
        name = self.text(key)
        if not name or "\0" in name:
            self.fail(key, f"is {name!r}; it must be the name of a file")
        return (self.path.parent / name).resolve()
