"""A GGUF model as the LLM of Phoenix's evaluators, in process: labels by likelihood, whole forms.

>>> import fastscore.integrations.phoenix  # makes the provider known
>>> from phoenix.evals import LLM, create_classifier
>>> llm = LLM(provider="fastscore", model="model.gguf", n_ctx=4096)  # doctest: +SKIP

A classification without an explanation is decided: every label's log-likelihood as the whole
answer is compared, and nothing is written or parsed. Everything else with a schema is written under
the schema's grammar, so that it is always whole. As services do, the adapter shows the model its
labels, or the schema, after the prompt.

``async_evaluate_dataframe(..., concurrency=32)`` is the quick way: what waits for the same kind of
answer is one batch of the engine. ``evaluate_dataframe`` asks one question after the other. There
is no rate limit. What one question cannot be given (a prompt longer than the window) is an
`UnansweredError`, which Phoenix does not ask again, as it would ten times after other errors.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

from fastscore.assistant import Assistant, Gatherer
from fastscore.chat import Message
from fastscore.errors import FastscoreError, UsageError
from fastscore.integrations.missing import missing_tool
from fastscore.types import Generation

try:
    from phoenix.evals.exceptions import PhoenixException
    from phoenix.evals.llm.prompts import normalize_role
    from phoenix.evals.llm.registries import register_adapter, register_provider
    from phoenix.evals.llm.types import BaseLLMAdapter, ObjectGenerationMethod
except ImportError as error:
    raise missing_tool("phoenix.evals", "phoenix", error) from error


class UnansweredError(FastscoreError, PhoenixException):  # type: ignore[misc]
    """A question that this model cannot be asked; asking again would not help."""


class Client:
    """An assistant for one question at a time from one thread, and for many at a time from others.

    Shared by the synchronous and the asynchronous half of an ``LLM``, and by those of the same
    model and options, so that a file is loaded once.
    """

    def __init__(self, model: Assistant | str, **options: Any) -> None:
        self.gatherer = Gatherer(model, **options)
        self.assistant = self.gatherer.assistant


_open: WeakValueDictionary[str, Client] = WeakValueDictionary()


def open_client(
    model: str, is_async: bool = False, assistant: Assistant | None = None, **options: Any
) -> Client:
    """Open the client of ``LLM(provider="fastscore", model=..., **options)``.

    ``options`` are those of `Assistant`: ``system``, ``max_tokens``, ``n_ctx``, ``n_threads``, ...
    An ``assistant`` that is open is taken as it is, whatever ``model`` it is called, and stays the
    caller's to close. One client serves both halves, so that ``is_async`` makes no difference.
    """
    key = repr((model if assistant is None else id(assistant), sorted(options.items())))
    client = _open.get(key)
    if client is None:
        client = Client(assistant or model, **options)
        _open[key] = client
    return client


@register_adapter(identifier=lambda client: isinstance(client, Client), name="fastscore")
@register_provider(provider="fastscore", client_factory=open_client)
class FastscoreAdapter(BaseLLMAdapter):  # type: ignore[misc]
    """What Phoenix's ``LLM`` asks through: texts, and objects that keep a JSON schema.

    ``max_tokens``, ``temperature``, ``seed`` and ``stop`` can be given with a question; others are
    a UsageError, as are prompts that are neither a text nor messages with texts.
    """

    client: Client

    @classmethod
    def client_name(cls) -> str:
        """Return the name that Phoenix lists the client under."""
        return "fastscore"

    @property
    def model_name(self) -> str:
        """The model's name and quantisation."""
        return self.client.assistant.name

    def generate_text(self, prompt: Any, **invocation: Any) -> str:
        """Write an answer."""
        with _once():
            return self._text(prompt, invocation).result().text

    async def async_generate_text(self, prompt: Any, **invocation: Any) -> str:
        """Write an answer, together with all that are asked for."""
        with _once():
            return (await asyncio.wrap_future(self._text(prompt, invocation))).text

    def generate_object(
        self,
        prompt: Any,
        schema: Mapping[str, Any],
        method: ObjectGenerationMethod = ObjectGenerationMethod.AUTO,
        **invocation: Any,
    ) -> dict[str, Any]:
        """Fill in the schema; the same by every ``method``."""
        with _once():
            future, read = self._object(prompt, schema, invocation)
            return read(future.result())

    async def async_generate_object(
        self,
        prompt: Any,
        schema: Mapping[str, Any],
        method: ObjectGenerationMethod = ObjectGenerationMethod.AUTO,
        **invocation: Any,
    ) -> dict[str, Any]:
        """Fill in the schema, together with all that are asked for."""
        with _once():
            future, read = self._object(prompt, schema, invocation)
            return read(await asyncio.wrap_future(future))

    def _text(self, prompt: Any, invocation: Mapping[str, Any]) -> Future[Generation]:
        options = _checked(invocation, ("max_tokens", "temperature", "seed", "stop"))
        return self.client.gatherer.answer(_asked(prompt), **options)

    def _object(
        self, prompt: Any, schema: Mapping[str, Any], invocation: Mapping[str, Any]
    ) -> tuple[Future[Any], Callable[[Any], dict[str, Any]]]:
        options = _checked(invocation, ("max_tokens", "temperature", "seed"))
        field, labels = _classification(schema)
        if len(labels) > 1 and not options.get("temperature"):
            asked = _asked(prompt, f"Answer with one of these labels:\n{_listed(labels)}")
            future = self.client.gatherer.decide(asked, list(labels))
            return future, lambda decision: {field: decision.choice}
        form = json.dumps(schema, ensure_ascii=False)
        asked = _asked(prompt, f"Answer with JSON that keeps this schema:\n{form}")
        return self.client.gatherer.fill(asked, schema, **options), _object_of


@contextmanager
def _once() -> Iterator[None]:
    """Turn fastscore's errors, which come again however often one asks, into `UnansweredError`."""
    try:
        yield
    except FastscoreError as error:
        raise UnansweredError(str(error)) from error


def _object_of(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError("the schema describes no object; give one of type object")
    return value


def _classification(schema: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return field and labels, with what is said of each, where a schema is about these alone."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, Mapping):
        return "", {}
    if len(properties) != 1 or list(schema.get("required", ())) != list(properties):
        return "", {}
    ((field, form),) = properties.items()
    if not isinstance(form, Mapping):
        return "", {}
    described, listed = form.get("oneOf"), form.get("enum")
    if not isinstance(described, Sequence):
        described = [{"const": one} for one in listed] if isinstance(listed, Sequence) else []
    if not all(_is_mapping(one) and isinstance(one.get("const"), str) for one in described):
        return "", {}
    return field, {one["const"]: str(one.get("description") or "") for one in described}


def _listed(labels: Mapping[str, str]) -> str:
    return "\n".join(f"- {one}: {said}" if said else f"- {one}" for one, said in labels.items())


def _asked(prompt: Any, instruction: str = "") -> str | list[Message]:
    """Turn Phoenix's prompt, a text or messages, into what an assistant is asked."""
    if isinstance(prompt, str):
        return f"{prompt}\n\n{instruction}" if instruction else prompt
    if not isinstance(prompt, Sequence) or not prompt or not all(map(_is_mapping, prompt)):
        raise UsageError(f"the prompt is {prompt!r:.60}; give a text, or a list of messages")
    turns: list[Message] = [{"role": _role(one), "content": _content(one)} for one in prompt]
    if instruction:
        before = f"{turns.pop()['content']}\n\n" if turns[-1]["role"] == "user" else ""
        turns.append({"role": "user", "content": f"{before}{instruction}"})
    return turns


def _role(message: Mapping[str, Any]) -> str:
    try:
        role: str = normalize_role(message.get("role")).value
    except ValueError as error:
        raise UsageError(str(error)) from error
    return "system" if role == "developer" else role


def _content(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) and all(map(_is_mapping, content)) else ()
    texts = [part.get("text") if part.get("type") == "text" else None for part in parts]
    if not texts or None in texts:
        raise UsageError(f"a message's content is {content!r:.60}; it must be a text, or texts")
    return "".join(map(str, texts))


def _is_mapping(one: Any) -> bool:
    return isinstance(one, Mapping)


def _checked(invocation: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    for name in invocation:
        if name not in known:
            raise UsageError(
                f"{name} is no parameter of a question; there are {', '.join(known)}. Options of "
                "the model are given to LLM(...)"
            )
    return dict(invocation)
