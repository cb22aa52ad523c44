"""From what is asked to the prompt a model answers, and to where its answer ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property

from fastscore.chat import ChatTemplate, Message
from fastscore.errors import UsageError
from fastscore.model import Model

Asked = str | Sequence[Message]
"""A text, which is a user's turn, or the turns of a conversation, the last one to be answered."""

_ANSWER = "[fastscore: an answer]"
_WORD_JOINER = "\u2060"


class Prompts:
    """Renders what is asked with the chat template of a model's file.

    Texts of messages are data: where one spells a special token of the model (an answer to be
    judged that holds ``<|im_end|>`` could otherwise end its turn and speak as somebody else), an
    invisible word joiner (U+2060) after the first character makes it the plain text that it is.
    A model without a template reads a text as it is, and turns as paragraphs.
    """

    def __init__(self, model: Model, system: str | None) -> None:
        self._model = model
        self._system = system
        # Templates count what they do against their limits, one rendering at a time.
        self._rendering = threading.Lock()
        info = model.info
        self._template = (
            ChatTemplate(info.chat_template, info.bos_text or None, info.eos_text or None)
            if info.chat_template and info.chat_template.strip()
            else None
        )

    def render(self, asked: Asked) -> str:
        """Return the prompt, up to where the answer begins; UsageError for what is no question."""
        messages = self._messages(asked)
        if self._template is None:
            return "\n\n".join(message["content"] for message in messages)
        messages = [{**message, "content": self._plain(message["content"])} for message in messages]
        has_system = any(message["role"] == "system" for message in messages)
        with self._rendering:
            if has_system and self._template.takes_system:
                prompt = self._template.render(messages)
                # A template that takes them in front may refuse them further on: they are left out.
                if all(m["content"].strip() in prompt for m in messages if m["role"] == "system"):
                    return prompt
            return self._template.render(_without_system(messages))

    @cached_property
    def frame(self) -> tuple[str, str]:
        """What stands before and after an answer: white space of the template, the turn's end.

        The end is the special token that the chat template prints after an answer, else EOS.
        Without a template an answer follows a space and ends with its line.
        """
        if self._template is None:
            return " ", "\n"
        question: Message = {"role": "user", "content": "?"}
        answer: Message = {"role": "assistant", "content": _ANSWER}
        with self._rendering:
            before = self._template.render([question])
            answered = self._template.render([question, answer], add_generation_prompt=False)
        head, _, tail = answered.rpartition(_ANSWER)
        lead = head[len(before) :] if head.startswith(before) else ""
        special = self._special.search(tail) if self._special else None
        end = tail[: special.end()] if special else self._model.info.eos_text or "\n"
        return ("" if lead.strip() else lead), end

    def _messages(self, asked: Asked) -> list[Message]:
        if not isinstance(asked, Sequence):
            raise UsageError(f"a question is {asked!r:.100}; give a text, or a list of messages")
        messages = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
        for message in messages:
            known = isinstance(message, Mapping) and isinstance(message.get("role"), str)
            if not known or not isinstance(message.get("content"), str):
                raise UsageError(
                    f"a message is {message!r:.100}; each is a mapping with a role (system, user "
                    "or assistant) and a content, both texts"
                )
        if not messages:
            raise UsageError("nothing is asked: the list of messages is empty")
        if self._system is not None and messages[0]["role"] != "system":
            return [{"role": "system", "content": self._system}, *messages]
        return list(messages)

    def _plain(self, text: str) -> str:
        return self._special.sub(_joined, text) if self._special else text

    @cached_property
    def _special(self) -> re.Pattern[str] | None:
        spellings = sorted(self._model.control_texts, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, spellings))) if spellings else None


def _joined(found: re.Match[str]) -> str:
    return found[0][0] + _WORD_JOINER + found[0][1:]


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """Put system messages in front of the user's turn that follows them."""
    kept: list[Message] = []
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "system":
            waiting.append(message["content"])
        elif message["role"] == "user" and waiting:
            kept.append({**message, "content": "\n\n".join([*waiting, message["content"]])})
            waiting = []
        else:
            kept.append(message)
    if waiting:
        kept.append({"role": "user", "content": "\n\n".join(waiting)})
    return kept
