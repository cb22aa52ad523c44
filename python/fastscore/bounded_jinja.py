"""Jinja templates from files that nobody vouched for: chat templates, users' prompts.

Jinja's sandbox keeps a template away from Python's internals. It does not keep it from running
for ever or from filling the memory, so this one also counts the turns of all loops and all calls,
looks at the clock with each, and measures texts and integers before they are built. What an honest
template renders does not change.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jinja2 import StrictUndefined, Template, filters, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_SOURCE = 256 * 1024
"""Characters of a template's source; the longest chat templates in use have some 30 000."""

MAX_TEXT = 8 * 1024 * 1024
"""Characters of any text that a template builds."""

MAX_TURNS = 200_000
"""Loop turns, nested ones included, and calls in one rendering."""

MAX_SECONDS = 10.0
"""Time for one rendering; an honest one takes milliseconds."""

MAX_BITS = 4096
"""Bits of any integer that a template computes by multiplication or power."""

MAX_WIDTH = 100_000
"""Columns or entries that a template may ask a text or list to be padded to."""

_TURNS = "fastscore_turns"
_CONCATENATE = "fastscore_concatenate"
_WIDE_FORMAT = re.compile(r"\d{6,}|%[^a-zA-Z%]*\*|:[^{}]*\{")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox with bounds on loop turns, texts and integers."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._turns = 0
        self._deadline = 0.0
        del self.globals["lipsum"]
        self.globals[_TURNS] = self._counted
        self.filters[_CONCATENATE] = lambda parts: _join("", map(str, parts))
        self.filters["replace"] = _replace
        for padding in ("batch", "center", "format", "indent", "slice"):
            self.filters[padding] = _narrow(filters.FILTERS[padding])

    def compile_bounded(self, source: str) -> Template:
        """Compile ``source``; raises jinja2's ``TemplateError`` where it is no template."""
        if len(source) > MAX_SOURCE:
            raise SecurityError(f"the template has {len(source)} characters, over {MAX_SOURCE}")
        try:
            return self.from_string(source)
        except RecursionError as error:
            raise SecurityError("the template is nested too deeply") from error

    def render_bounded(self, template: Template, values: Mapping[str, Any]) -> str:
        """Render with a fresh budget of turns and time; not for two threads at once."""
        self._turns = 0
        self._deadline = time.monotonic() + MAX_SECONDS
        parts: list[str] = []
        length = 0
        try:
            for part in template.generate(dict(values)):
                length += len(part)
                _check_length(length)
                parts.append(part)
        except (RecursionError, MemoryError, OverflowError) as error:
            raise SecurityError(f"rendering ended with {type(error).__name__}") from error
        return "".join(parts)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call ``__obj`` for the template, measuring what str's own methods would build."""
        __self._charge(1)
        if isinstance(__obj, LoopContext):  # the next turn of a recursive loop
            args = tuple(map(__self._counted, args))
        text = getattr(__obj, "__self__", None)
        if isinstance(text, str):
            given = {key: kwargs[key] for key in kwargs if not key.startswith("_")}
            name = __obj.__name__
            if name in ("join", "replace"):
                return (_join if name == "join" else _replace)(text, *args, **given)
            _check_widths(*args, *given.values())
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Hand out ``str.format`` in jinja's safe form, for formats of a bounded width."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _check_format(value.__self__)
        return wrapped

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right`` unless the result would be out of bounds."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            _check_length(len(left) + len(right))
        elif operator == "*":
            _check_product(left, right)
        elif operator == "**" and isinstance(left, int) and isinstance(right, int):
            _check_bits(left.bit_length() * abs(right))
        elif operator == "%" and isinstance(left, str):
            _check_format(left)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            counter = nodes.Name(_TURNS, "load", lineno=loop.lineno)
            loop.iter = nodes.Call(counter, [loop.iter], [], None, None, lineno=loop.lineno)
        _measure_concatenations(tree)
        tree.set_environment(self)
        return tree

    def _counted(self, values: Iterable[Any]) -> Iterable[Any]:
        # What has a length keeps it, for `loop.length`, and is charged at once.
        try:
            self._charge(len(values))  # type: ignore[arg-type]
        except TypeError:
            return self._counted_lazily(values)
        return values

    def _counted_lazily(self, values: Iterable[Any]) -> Iterator[Any]:
        for value in values:
            self._charge(1)
            yield value

    def _charge(self, turns: int) -> None:
        self._turns += turns
        if self._turns > MAX_TURNS:
            raise SecurityError(f"the template loops more than {MAX_TURNS} times")
        if time.monotonic() > self._deadline:
            raise SecurityError(f"the template runs for more than {MAX_SECONDS:.0f} seconds")


def strict_environment() -> BoundedEnvironment:
    """Make an environment for prompts: missing fields are errors, a last newline is kept."""
    return BoundedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)


def _measure_concatenations(tree: nodes.Node) -> None:
    """Turn every ``a ~ b`` into a call of a filter: jinja offers no hook for that operator."""
    for name, value in tree.iter_fields():
        if isinstance(value, list):
            setattr(tree, name, [_measured(entry) for entry in value])
        else:
            setattr(tree, name, _measured(value))


def _measured(value: Any) -> Any:
    if not isinstance(value, nodes.Node):
        return value
    _measure_concatenations(value)
    if isinstance(value, nodes.Concat):
        parts = nodes.List(value.nodes, lineno=value.lineno)
        return nodes.Filter(parts, _CONCATENATE, [], [], None, None, lineno=value.lineno)
    return value


def _check_length(length: int) -> None:
    if length > MAX_TEXT:
        raise SecurityError(f"the template builds a text of over {MAX_TEXT} characters")


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise SecurityError(f"the template computes an integer of over {MAX_BITS} bits")


def _check_widths(*arguments: Any) -> None:
    if any(isinstance(width, int) and abs(width) > MAX_WIDTH for width in arguments):
        raise SecurityError(f"the template pads a text or list to over {MAX_WIDTH}")


def _check_format(text: str) -> None:
    if _WIDE_FORMAT.search(text):
        raise SecurityError(f"the template formats with a width over {MAX_WIDTH} or a computed one")


def _check_product(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())
    for values, times in ((left, right), (right, left)):
        if isinstance(values, (str, list, tuple)) and isinstance(times, int):
            _check_length(len(values) * times)


def _narrow(pad: Callable[..., Any]) -> Callable[..., Any]:
    """``pad``, refusing widths out of bounds."""

    def narrow(value: Any, *args: Any, **kwargs: Any) -> Any:
        _check_widths(*args, *kwargs.values())
        if isinstance(value, str):
            _check_format(value) if pad is filters.FILTERS["format"] else None
        return pad(value, *args, **kwargs)

    return narrow


def _join(separator: str, texts: Iterable[str]) -> str:
    texts = list(texts)
    _check_length(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


def _replace(value: Any, old: str, new: str, count: int | None = None) -> str:
    text = str(value)
    times = text.count(old) if count is None or count < 0 else min(text.count(old), count)
    _check_length(len(text) + times * (len(new) - len(old)))
    return text.replace(old, new, -1 if count is None else count)
