"""Jinja templates from files that nobody vouched for: chat templates, users' prompts.

Jinja's sandbox keeps a template away from Python's internals. It does not keep it from running
for ever or from filling the memory, so this one also counts the turns of all loops, all calls and
all filters, looks at the clock with each, and measures texts and integers before they are built. A
list may hold another one a thousand times at no cost, so whatever walks through a value measures
it as if written out. What an honest template renders does not change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from fastscore.jinja_limits import (
    MAX_TEXT,
    check_format,
    check_length,
    check_power,
    check_product,
    check_sum,
    check_widths,
    join,
    join_filter,
    padding,
    replace,
    replace_filter,
    sum_filter,
    weigh,
)

MAX_SOURCE = 256 * 1024
"""Characters of a template's source; the longest chat templates in use have some 30 000."""

MAX_BUILT = 16 * MAX_TEXT
"""Characters and entries that filters and methods build in one rendering, all together."""

MAX_TURNS = 200_000
"""Loop turns, nested ones included, calls and filters in one rendering."""

MAX_SECONDS = 10.0
"""Time for one rendering; an honest one takes milliseconds."""

_TURNS = "fastscore_turns"
_CONCATENATE = "fastscore_concatenate"
_COMPARED = "fastscore_compared"

# What takes no longer for a large value goes unmeasured: chat templates ask for the length of all
# messages with each of them, and of most values what they are.
_LENGTHS = ("length", "count")
_KINDS = (
    *("boolean", "callable", "defined", "false", "float", "integer", "iterable", "mapping", "none"),
    *("number", "sequence", "string", "true", "undefined"),
)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's immutable sandbox with bounds on loop turns, texts and integers."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(
        self, *, finalize: Callable[[Any], Any] = lambda value: value, **options: Any
    ) -> None:
        def measured(value: Any) -> Any:
            weigh(value)
            return finalize(value)

        super().__init__(finalize=measured, **options)
        self.concat = lambda parts: join("", parts)  # type: ignore[method-assign]
        self._turns = 0
        self._built = 0
        self._deadline = 0.0
        del self.globals["lipsum"]
        self.globals[_TURNS] = self._counted
        self.filters[_CONCATENATE] = lambda parts: join("", map(str, parts))
        self.filters[_COMPARED] = lambda value: value
        self.filters |= {"join": join_filter, "replace": replace_filter, "sum": sum_filter}
        for name in ("batch", "center", "format", "indent", "slice"):
            self.filters[name] = padding(name)
        for name, function in list(self.filters.items()):
            if name not in _LENGTHS:
                self.add_filter(name, function)
        tests: dict[str, Any] = self.tests
        self.tests = {
            name: test if name in _KINDS else self._bounded(test) for name, test in tests.items()
        }

    def add_filter(self, name: str, function: Callable[..., Any]) -> None:
        """Let templates use ``function`` as a filter, within the bounds."""
        self.filters[name] = self._bounded(function)

    def _bounded(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make a filter or test measure what it is given, and count what it builds."""

        @wraps(function)  # keeps jinja's mark of what it wants as its first argument
        def measured(*args: Any, **kwargs: Any) -> Any:
            self._charge(1)
            weigh(*args, *kwargs.values())
            return self._count(function(*args, **kwargs))

        return measured

    def _count(self, value: Any) -> Any:
        self._built += weigh(value)
        if self._built > MAX_BUILT:
            raise SecurityError(f"the template builds over {MAX_BUILT} characters of text")
        return value

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
        self._turns = self._built = 0
        self._deadline = time.monotonic() + MAX_SECONDS
        parts: list[str] = []
        length = 0
        try:
            for part in template.generate(dict(values)):
                length += len(part)
                check_length(length)
                parts.append(part)
        except (RecursionError, MemoryError, OverflowError) as error:
            raise SecurityError(f"rendering ended with {type(error).__name__}") from error
        return "".join(parts)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Call ``__obj`` for the template, measuring what str's own methods would build."""
        __self._charge(1)
        # Jinja hands its own local variables over under names with an underscore.
        given = {key: kwargs[key] for key in kwargs if not key.startswith("_")}
        weigh(*args, *given.values())
        if isinstance(__obj, LoopContext):  # the next turn of a recursive loop
            args = tuple(map(__self._counted, args))
        text = getattr(__obj, "__self__", None)
        if not isinstance(text, str):
            return super().call(__context, __obj, *args, **kwargs)
        name = __obj.__name__
        if name in ("join", "replace"):
            return __self._count((join if name == "join" else replace)(text, *args, **given))
        check_widths(*args, *given.values())
        return __self._count(super().call(__context, __obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Hand out ``str.format`` in jinja's safe form, for formats of a bounded width."""
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def measured(*args: Any, **kwargs: Any) -> str:
            text = value.__self__
            check_format(text, text.count("{"), *args, *kwargs.values())
            return wrapped(*args, **kwargs)

        return measured

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right`` unless the result would be out of bounds."""
        if operator == "+":
            check_sum(left, right)
        elif operator == "*":
            check_product(left, right)
        elif operator == "**":
            check_power(left, right)
        elif operator == "%" and isinstance(left, str):
            # Each value of a tuple is printed once at most, those of a mapping by every mark.
            check_format(left, left.count("%") if isinstance(right, dict) else 1, right)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            counter = nodes.Name(_TURNS, "load", lineno=loop.lineno)
            loop.iter = nodes.Call(counter, [loop.iter], [], None, None, lineno=loop.lineno)
        _measure_operators(tree)
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
    """Make an environment for prompts: a last newline is kept, what is missing is an error.

    Null is missing, and so is NaN, which tables hold in cells without a number: "None" or "nan"
    in a prompt would be scored like any other text.
    """
    return BoundedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, finalize=_present
    )


def _present(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):
        missing = "null" if value is None else "NaN"
        raise ValueError(
            f"{missing} was to be printed; correct the row, or say what stands for it, as in "
            "{{ '?' if field is none else field }}"
        )
    return value


def _measure_operators(tree: nodes.Node) -> None:
    """Turn ``a ~ b`` and both sides of a comparison into filters: jinja has no hook for those."""
    for name, value in tree.iter_fields():
        if isinstance(value, list):
            setattr(tree, name, [_measured(entry) for entry in value])
        else:
            setattr(tree, name, _measured(value))


def _measured(value: Any) -> Any:
    if not isinstance(value, nodes.Node):
        return value
    _measure_operators(value)
    if isinstance(value, nodes.Concat):
        parts = nodes.List(value.nodes, lineno=value.lineno)
        return nodes.Filter(parts, _CONCATENATE, [], [], None, None, lineno=value.lineno)
    if isinstance(value, (nodes.Compare, nodes.Operand)):
        side = value.expr
        value.expr = nodes.Filter(side, _COMPARED, [], [], None, None, lineno=side.lineno)
    return value
