"""The chat template of a GGUF file, rendered as Hugging Face's ``apply_chat_template`` does.

Templates are Jinja with a few conventions of their own: blocks are trimmed, ``raise_exception``,
``strftime_now`` and a ``tojson`` that leaves text alone are there, loops know ``break`` and
``continue``, and ``{% generation %}`` marks what a model wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NoReturn

import jinja2
from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.parser import Parser

from fastscore.bounded_jinja import BoundedEnvironment
from fastscore.errors import ModelError, UsageError

Message = Mapping[str, str]
"""One turn: ``role`` (system, user or assistant) and ``content``."""

# Ends in a space, so that it also tells whether the template trims messages.
_OPEN_END = "[fastscore: the answer goes on here] "


@dataclass(frozen=True)
class ChatTemplate:
    """A chat template and the special tokens it may print.

    ``bos_token`` and ``eos_token`` are the tokens' texts; a model without one leaves it undefined,
    which prints as nothing. ``variables`` are further values that the template may ask for, such as
    ``enable_thinking``. ``clock`` is what ``strftime_now`` reads: templates that print the date
    give other prompts tomorrow.
    """

    source: str
    bos_token: str | None = None
    eos_token: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict, hash=False)
    clock: Callable[[], datetime] = field(default=datetime.now, compare=False)

    @classmethod
    def from_metadata(
        cls,
        source: str | None,
        bos_token: str | None = None,
        eos_token: str | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> ChatTemplate:
        """Take the template that a model file holds; UsageError where it holds none."""
        if not source or not source.strip():
            raise UsageError(
                "the model file has no chat template (metadata key tokenizer.chat_template), as is "
                "usual for base models; run it without a chat template"
            )
        return cls(source, bos_token, eos_token, variables or {})

    def render(self, messages: Sequence[Message], add_generation_prompt: bool = True) -> str:
        """Render a conversation, by default up to where the assistant's answer begins.

        A template that refuses the conversation is tried once more without its system messages,
        as lm-eval does; `takes_system` tells whether that is the case. ModelError where the
        template is no Jinja, or refuses the rest too.
        """
        try:
            return self._render(messages, add_generation_prompt)
        except TemplateError as error:
            others = [message for message in messages if message["role"] != "system"]
            if len(others) == len(messages):
                raise _refused(error) from error
        try:
            return self._render(others, add_generation_prompt)
        except TemplateError as error:
            raise _refused(error) from error

    def continue_last(self, messages: Sequence[Message]) -> str:
        """Render a conversation up to the end of its last message, for a model to go on with it.

        As Hugging Face's ``continue_final_message``: a template that trims messages takes the
        white space at the end of the last one away. ModelError where the message does not show.
        """
        *before, last = messages
        marked = {**last, "content": last["content"] + _OPEN_END}
        text = self.render([*before, marked], add_generation_prompt=False)
        end = text.rfind(_OPEN_END.strip())
        if end < 0 or last["content"].strip() not in text:
            raise ModelError(
                "the model's chat template does not show the beginning of the answer that the task "
                "gives; run it without a chat template"
            )
        kept = text.startswith(_OPEN_END, end)
        return text[:end] if kept else text[:end].rstrip()

    @cached_property
    def takes_system(self) -> bool:
        """Whether a system message shows; some templates refuse it (Gemma 2), some leave it out."""
        system = {"role": "system", "content": "Be brief."}
        user = {"role": "user", "content": "Hello"}
        try:
            return system["content"] in self._render([system, user], True)
        except TemplateError:
            self.render([user])
            return False

    def _render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        environment, template = self._compiled
        values: dict[str, Any] = {
            **self.variables,
            "messages": [dict(message) for message in messages],
            "tools": None,
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
        }
        tokens = {"bos_token": self.bos_token, "eos_token": self.eos_token}
        values.update({name: text for name, text in tokens.items() if text is not None})
        try:
            return environment.render_bounded(template, values)
        except TemplateError:
            raise
        except Exception as error:  # the template's own mistakes: 'x' + 1, a list as a key, ...
            raise _refused(error) from error

    @cached_property
    def _compiled(self) -> tuple[BoundedEnvironment, jinja2.Template]:
        environment = BoundedEnvironment(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_GenerationBlock, "jinja2.ext.loopcontrols"],
        )
        environment.add_filter("tojson", _tojson)
        environment.globals["raise_exception"] = _raise_exception
        environment.globals["strftime_now"] = lambda format: self.clock().strftime(format)  # noqa: A006
        try:
            return environment, environment.compile_bounded(self.source)
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            where = f" (line {line})" if line else ""
            raise ModelError(
                f"the model's chat template is not valid Jinja{where}: {error}; run without a chat "
                "template, or repair tokenizer.chat_template in the file"
            ) from error


class _GenerationBlock(Extension):
    """``{% generation %}`` ... ``{% endgeneration %}``, which renders as its content."""

    tags = {"generation"}  # noqa: RUF012 (jinja declares it as a plain attribute)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def _refused(error: Exception) -> ModelError:
    return ModelError(
        f"the model's chat template cannot render these messages: {error}; run without a chat "
        "template, or with fewshot_as_multiturn off if it is the order of turns it refuses"
    )


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )
