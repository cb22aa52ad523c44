"""The model that writes: texts, and the forms of metrics and benchmarks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.assistant import Assistant
from fastscore.errors import UsageError
from fastscore.integrations.missing import missing_tool
from fastscore.model import Model

try:
    from deepeval.models.base_model import DeepEvalBaseLLM
    from deepeval.utils import check_if_multimodal
    from pydantic import BaseModel
except ImportError as error:
    raise missing_tool("DeepEval", "deepeval", error) from error

from fastscore.integrations.deepeval.judge import Judge
from fastscore.integrations.deepeval.known_values import narrowed
from fastscore.integrations.deepeval.scores import REASON, completion, forms, scores_of

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion


class FastscoreLLM(Judge, DeepEvalBaseLLM):  # type: ignore[misc]  # no types where it is absent
    """A GGUF model as the LLM of DeepEval's metrics, benchmarks, synthesizer and simulator.

    Parameters
    ----------
    model
        A GGUF file, ``"demo"``, ``"hf://owner/repo/file.gguf"``, an open `fastscore.Model`, or a
        `fastscore.assistant.Assistant`; the last two stay the caller's to close.
    system, max_tokens, temperature, seed
        As in `Assistant`: the system message, the most tokens of an answer, how they are drawn.
    options
        Those of `fastscore.Model` for a model that is opened here: ``n_ctx``, ``n_threads``, ...

    Raises
    ------
    ModelError, MemoryLimitError, EngineMismatchError, UsageError

    """

    def __init__(
        self,
        model: str | Path | Model | Assistant,
        *,
        system: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        writing = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._open(model, {"system": system, **writing, **options})
        super().__init__(self._assistant.name)

    def generate(
        self, prompt: str, schema: type[BaseModel] | None = None, audio: Any = None
    ) -> str | BaseModel:
        """Answer a prompt: with a text, or with an instance of ``schema``.

        The answer keeps the JSON schema of the class token by token; what the class checks beyond
        that, it checks in the end. Scores of DeepEval's metrics are from 0 to 1, as their prompts
        want them and their classes do not say. Raises UsageError for images, audio, a schema that
        no grammar can keep, and a prompt that does not fit the window.
        """
        _check_prompt(prompt, audio)
        if schema is None:
            written: str = self._now(
                lambda assistant: assistant.answer([prompt])[0],
                lambda: self._gatherer.answer(prompt).result(),
            ).text
            return written
        form = _form(schema, prompt)
        return schema.model_validate(
            self._now(
                lambda assistant: assistant.fill([prompt], form)[0],
                lambda: self._gatherer.fill(prompt, form).result(),
            )
        )

    async def a_generate(
        self, prompt: str, schema: type[BaseModel] | None = None, audio: Any = None
    ) -> str | BaseModel:
        """Do what `generate` does; all that wait at a time are one batch."""
        return _read(await asyncio.wrap_future(self._ask(prompt, schema, audio)), schema)

    def batch_generate(
        self, prompts: Sequence[str], schemas: Sequence[type[BaseModel] | None] | None = None
    ) -> list[str | BaseModel]:
        """Answer many prompts together, each with a schema of its own where there are any."""
        wanted = [None] * len(prompts) if schemas is None else list(schemas)
        if len(wanted) != len(prompts):
            raise UsageError(
                f"{len(wanted)} schemas come with {len(prompts)} prompts; give one each"
            )
        asked = [self._ask(prompt, schema) for prompt, schema in zip(prompts, wanted, strict=True)]
        return [
            _read(future.result(), schema) for future, schema in zip(asked, wanted, strict=True)
        ]

    def generate_with_schema(
        self, prompt: str, schema: type[BaseModel] | None = None, audio: Any = None
    ) -> str | BaseModel:
        """Do what `generate` does. DeepEval's own asks without the schema after a TypeError."""
        return self.generate(prompt, schema, audio)

    async def a_generate_with_schema(
        self, prompt: str, schema: type[BaseModel] | None = None, audio: Any = None
    ) -> str | BaseModel:
        """Do what `a_generate` does."""
        return await self.a_generate(prompt, schema, audio)

    def generate_raw_response(
        self, prompt: str, top_logprobs: int = 5, audio: Any = None
    ) -> tuple[ChatCompletion, float]:
        """Answer one of G-Eval's prompts for a score, with the probability of each score.

        The model writes its reason. The score is decided by the log-likelihood of the whole answer
        with each score that the prompt allows, so that it is always one of them. Returns an OpenAI
        completion and its cost, 0. Raises AttributeError for prompts that do not say which scores
        they allow, as those of a template of one's own: DeepEval then asks for a form as it asks
        models without log-probabilities, and the score is not weighted.
        """
        _check_prompt(prompt, audio)
        scores = scores_of(prompt)
        reason = self._now(
            lambda assistant: assistant.fill([prompt], REASON)[0],
            lambda: self._gatherer.fill(prompt, REASON).result(),
        )
        options = forms(reason, scores)
        decision = self._now(
            lambda assistant: assistant.decide([prompt], options)[0],
            lambda: self._gatherer.decide(prompt, options).result(),
        )
        return completion(self.get_model_name(), scores, decision, top_logprobs), 0.0

    async def a_generate_raw_response(
        self, prompt: str, top_logprobs: int = 5, audio: Any = None
    ) -> tuple[ChatCompletion, float]:
        """Do what `generate_raw_response` does; all that wait at a time are one batch."""
        _check_prompt(prompt, audio)
        scores = scores_of(prompt)
        reason = await asyncio.wrap_future(self._gatherer.fill(prompt, REASON))
        decided = self._gatherer.decide(prompt, forms(reason, scores))
        decision = await asyncio.wrap_future(decided)
        return completion(self.get_model_name(), scores, decision, top_logprobs), 0.0

    def generate_samples(self, prompt: str, n: int, temperature: float) -> list[str]:
        """Refuse to write programs for DeepEval's HumanEval, which runs them in this process."""
        raise UsageError(
            "DeepEval's HumanEval runs what the model writes in this very process and without a "
            "time limit; run it in fastscore's sandbox: fastscore run MODEL --tasks humaneval "
            "--allow-code-execution"
        )

    def supports_structured_outputs(self) -> bool:
        """Whether answers keep a schema: yes, by grammar."""
        return True

    def supports_json_mode(self) -> bool:
        """Whether answers can be held to JSON: yes, to that of a schema."""
        return True

    def supports_log_probs(self) -> bool:
        """Whether G-Eval gets the probabilities of its scores: yes."""
        return True

    def supports_temperature(self) -> bool:
        """Whether answers can be drawn at random: yes."""
        return True

    def supports_multimodal(self) -> bool:
        """Whether images are read: no, and DeepEval refuses test cases with images."""
        return False

    def supports_audio(self) -> bool:
        """Whether audio is heard: no, and DeepEval refuses test cases with audio."""
        return False

    def _ask(self, prompt: str, schema: type[BaseModel] | None, audio: Any = None) -> Future[Any]:
        _check_prompt(prompt, audio)
        if schema is None:
            return self._gatherer.answer(prompt)
        return self._gatherer.fill(prompt, _form(schema, prompt))


def _check_prompt(prompt: str, audio: Any) -> None:
    """Raise UsageError for a prompt that is not text alone."""
    if audio:
        raise UsageError("the prompt comes with audio; a GGUF model is asked in text alone here")
    if not isinstance(prompt, str):
        raise UsageError(f"the prompt is a {type(prompt).__name__}; give a text")
    if check_if_multimodal(prompt):
        raise UsageError(
            "the prompt has an image or a PDF in it, and a GGUF model is asked in text alone here; "
            "judge this test case with a model that takes images"
        )


def _form(schema: type[BaseModel], prompt: str) -> Mapping[str, Any]:
    """Return the JSON schema of a class, with what the prompt of a metric says of its values."""
    if not (isinstance(schema, type) and issubclass(schema, BaseModel)):
        raise UsageError(f"the schema is {schema!r:.100}; give a class derived from BaseModel")
    return narrowed(schema, prompt)


def _read(answer: Any, schema: type[BaseModel] | None) -> str | BaseModel:
    if schema is not None:
        return schema.model_validate(answer)
    text: str = answer.text
    return text
