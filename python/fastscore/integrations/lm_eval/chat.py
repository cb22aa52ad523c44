"""Conversations for lm-eval: a model file's chat template by lm-eval's names."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from fastscore.chat import ChatTemplate, Message
from fastscore.model import ModelInfo

_log = logging.getLogger(__name__)


class Conversations:
    """What lm-eval asks of a model's chat template.

    The template is looked for when it is first used: most tasks of a model without one need none.
    ``variables`` are further values that the template may ask for.
    """

    def __init__(self, info: ModelInfo, variables: Mapping[str, Any]) -> None:
        self._info = info
        self._variables = dict(variables)

    @cached_property
    def _template(self) -> ChatTemplate:
        info = self._info
        return ChatTemplate.from_metadata(
            info.chat_template, info.bos_text or None, info.eos_text or None, self._variables
        )

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """Render up to where the answer begins, or to the end of a last message to go on with.

        UsageError for a model file without template, ModelError for a template that refuses.
        """
        if add_generation_prompt:
            return self._template.render(messages)
        return self._template.continue_last(messages)

    def source(self, asked: bool | str) -> str | None:
        """Return the template's source, or None where no template is ``asked`` for."""
        if not asked:
            return None
        if isinstance(asked, str):
            _log.warning(
                "the chat template %r is asked for by name; the template of the model file is used",
                asked,
            )
        return self._template.source

    @property
    def name(self) -> str:
        """A name that differs where the same conversation is rendered otherwise."""
        info = self._info
        known = repr((info.chat_template, info.bos_text, info.eos_text, self._variables))
        return f"{Path(info.path).stem}-{hashlib.sha256(known.encode()).hexdigest()[:16]}"
