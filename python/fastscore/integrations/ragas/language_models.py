"""The LLMs of RAGAs' two interfaces, classic and collections."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastscore.assistant import Assistant, Gatherer
from fastscore.closing import Closing
from fastscore.errors import ModelError
from fastscore.integrations.missing import missing_tool
from fastscore.model import Model
from fastscore.model.sampling import check_sampling
from fastscore.types import Sampling

os.environ.setdefault("RAGAS_DO_NOT_TRACK", "true")  # read when RAGAs is first used

try:
    from langchain_core.outputs import Generation as Written
    from langchain_core.outputs import LLMResult
    from langchain_core.prompt_values import PromptValue
    from pydantic import BaseModel, ValidationError
    from ragas.exceptions import LLMDidNotFinishException
    from ragas.llms.base import BaseRagasLLM, InstructorBaseRagasLLM
except ImportError as error:
    raise missing_tool("RAGAs", "ragas", error) from error

from fastscore.integrations.ragas.prompts import (
    check_prompts,
    form,
    free_text,
    rating,
    schema_in,
    text_of,
)
from fastscore.integrations.ragas.values import narrowed, ratings_in

Form = TypeVar("Form", bound=BaseModel)

# As RAGAs' own models have it: judgements of many statements are long.
_MAX_TOKENS = 1024


class _Judge(Closing):
    """What both kinds of LLM share: an assistant that is asked through a gatherer."""

    def _open(self, model: Assistant | Model | str | Path, options: dict[str, Any]) -> None:
        if not isinstance(model, Assistant):
            options = {"max_tokens": _MAX_TOKENS, **options}
        self._gatherer = Gatherer(model, **options)
        self.assistant = self._gatherer.assistant

    def close(self) -> None:
        """Answer nothing more, and free the model unless the caller opened it."""
        self._gatherer.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.assistant.name})"


class FastscoreRagasLLM(_Judge, BaseRagasLLM):  # type: ignore[misc]  # no types where it is absent
    """A GGUF model as the LLM of RAGAs' classic metrics and of ``ragas.evaluate``.

    A prompt that shows the JSON schema of its answer is answered under the schema's grammar; one of
    the metrics that want nothing but a rating (``AnswerAccuracy``, ``ContextRelevance``,
    ``ResponseGroundedness``) gets the most probable of those that it names; other prompts are
    answered in free text. RAGAs' cache is not offered, as its keys do not name the model.

    Parameters
    ----------
    model
        A GGUF file, ``"demo"``, ``"hf://owner/repo/file.gguf"``, an open `fastscore.Model`, or a
        `fastscore.assistant.Assistant`; the last two stay the caller's to close.
    temperature
        For all answers. Default: what RAGAs asks for, 0.01, or 0.3 where it wants several.
    seed
        Of the first answer; where several are wanted, each has the next one.
    **options
        As for `Assistant`, with ``max_tokens`` 1024 by default: ``system``, ``n_ctx``,
        ``n_threads``, ...

    Raises
    ------
    UsageError, ModelError, MemoryLimitError, EngineMismatchError

    """

    def __init__(
        self,
        model: Assistant | Model | str | Path,
        *,
        temperature: float | None = None,
        seed: int = 1234,
        **options: Any,
    ) -> None:
        check_prompts()
        check_sampling(Sampling(0.0 if temperature is None else temperature, seed=seed))
        super().__init__(multiple_completion_supported=True)
        self._temperature, self._seed = temperature, seed
        self._open(model, options)

    def get_temperature(self, n: int) -> float:
        """Return the temperature of ``n`` answers to a prompt where none is asked for."""
        return super().get_temperature(n) if self._temperature is None else self._temperature

    def generate_text(
        self,
        prompt: PromptValue,
        n: int = 1,
        temperature: float | None = 0.01,
        stop: list[str] | None = None,
        callbacks: Any = None,
    ) -> LLMResult:
        """Answer a prompt ``n`` times.

        Raises UsageError for a prompt that does not fit the window or holds images.
        """
        asked, written = self._ask(prompt, n, temperature, stop)
        return LLMResult(generations=[[written(future.result()) for future in asked]])

    async def agenerate_text(
        self,
        prompt: PromptValue,
        n: int = 1,
        temperature: float | None = 0.01,
        stop: list[str] | None = None,
        callbacks: Any = None,
    ) -> LLMResult:
        """As `generate_text`, together with what else waits."""
        asked, written = self._ask(prompt, n, temperature, stop)
        answers = await asyncio.gather(*map(asyncio.wrap_future, asked))
        return LLMResult(generations=[list(map(written, answers))])

    async def generate(
        self,
        prompt: PromptValue,
        n: int = 1,
        temperature: float | None = 0.01,
        stop: list[str] | None = None,
        callbacks: Any = None,
    ) -> LLMResult:
        """As `agenerate_text`; RAGAs' LLMDidNotFinishException for a free text that was cut.

        Without RAGAs' retries, which are meant for services: the second answer is the first.
        """
        result = await self.agenerate_text(prompt, n, temperature, stop, callbacks)
        if not self.is_finished(result):
            raise LLMDidNotFinishException
        return result

    def is_finished(self, response: LLMResult) -> bool:
        """Whether no answer ended for want of room."""
        return all(
            one.generation_info["finish_reason"] != "length"
            for answers in response.generations
            for one in answers
        )

    def _ask(
        self, prompt: PromptValue, n: int, temperature: float | None, stop: list[str] | None
    ) -> tuple[list[Future[Any]], Callable[[Any], Written]]:
        """Return the answers to come, and what makes RAGAs' own of one."""
        text = text_of(prompt)
        ratings = ratings_in(text)
        if ratings is not None:
            return [self._gatherer.decide(text, ratings) for _ in range(n)], rating
        if temperature is None or self._temperature is not None:
            temperature = self.get_temperature(n)
        seeds = range(self._seed, self._seed + n)
        schema = schema_in(text)
        if schema is not None:
            ask = partial(self._gatherer.fill, text, narrowed(schema, text))
            return [ask(temperature=temperature, seed=seed) for seed in seeds], form
        write = partial(self._gatherer.answer, text, stop=stop or ())
        return [write(temperature=temperature, seed=seed) for seed in seeds], free_text


class FastscoreInstructorLLM(_Judge, InstructorBaseRagasLLM):  # type: ignore[misc]
    """A GGUF model as the LLM of ``ragas.metrics.collections``.

    Parameters
    ----------
    model, **options
        As for `FastscoreRagasLLM`; ``temperature`` is 0 by default. One `Assistant` may serve both.

    Raises
    ------
    UsageError, ModelError, MemoryLimitError, EngineMismatchError

    """

    is_async = True  # asked by RAGAs, which then awaits `agenerate`

    def __init__(self, model: Assistant | Model | str | Path, **options: Any) -> None:
        self._open(model, options)

    def generate(self, prompt: str, response_model: type[Form]) -> Form:
        """Fill in the model's form under its schema's grammar.

        Raises UsageError for a prompt that does not fit the window, ModelError for an answer that
        keeps the schema but not the form's own rules.
        """
        return _instance(response_model, self._fill(prompt, response_model).result())

    async def agenerate(self, prompt: str, response_model: type[Form]) -> Form:
        """As `generate`, together with what else waits."""
        values = await asyncio.wrap_future(self._fill(prompt, response_model))
        return _instance(response_model, values)

    def _fill(self, prompt: str, response_model: type[Form]) -> Future[Any]:
        return self._gatherer.fill(prompt, narrowed(response_model.model_json_schema(), prompt))


def _instance(form: type[Form], values: Any) -> Form:
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise ModelError(
            f"the answer keeps the JSON schema of {form.__name__} and not its own rules: {error}"
        ) from error
