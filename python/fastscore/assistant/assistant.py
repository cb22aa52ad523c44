"""A model behind its chat template: it answers, fills in forms, decides."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fastscore.assistant.decision import Decision, check_options, weighed
from fastscore.assistant.filling import fill_each
from fastscore.assistant.prompts import Asked, Prompts
from fastscore.assistant.runs import weigh_each, write_each
from fastscore.closing import Closing
from fastscore.errors import FastscoreError, UsageError
from fastscore.model import Model
from fastscore.model.sampling import check_sampling, check_stops
from fastscore.settings import check_model_options, refuse_options
from fastscore.types import Generation, GenerationRequest, Sampling

Answer = TypeVar("Answer")


class Assistant(Closing):
    """A GGUF model that is asked, through the chat template of its file.

    May be used by several threads; they take turns at the model. Questions of one call are worked
    on together, and what their prompts share is read once.

    Parameters
    ----------
    model
        An open `Model`, which stays the caller's to close, or what `Model` opens: a GGUF file,
        ``"demo"``, ``"hf://owner/repo/file.gguf"``.
    system
        A system message for all that is asked without one. A template that knows none gets it in
        front of the first user's turn.
    max_tokens
        Most tokens of an answer or a form.
    temperature, seed
        0 takes the likeliest token each time; above, the seed, the prompt and nothing else decide
        the random numbers.
    **model_options
        For `Model`: ``n_ctx``, ``n_threads``, ``weights``, ...

    Raises
    ------
    UsageError, ModelError, MemoryLimitError

    """

    def __init__(
        self,
        model: Model | str | Path,
        *,
        system: str | None = None,
        max_tokens: int = 512,
        temperature: float = 0.0,
        seed: int = 1234,
        **model_options: Any,
    ) -> None:
        if isinstance(model, Model):
            refuse_options(model_options, "a model", "Model")
        check_model_options(model_options, ["system", "max_tokens", "temperature", "seed"])
        if system is not None and not isinstance(system, str):
            raise UsageError(f"system is {system!r:.60}; it is a text")
        self._max_tokens = max_tokens
        self._sampling = Sampling(temperature=temperature, seed=seed)
        self._most(None)
        self._sampled(None, None)
        self._owned = not isinstance(model, Model)
        self.model = model if isinstance(model, Model) else Model(model, **model_options)
        self._prompts = Prompts(self.model, system)

    @property
    def name(self) -> str:
        """The model's name and quantisation, for people."""
        return f"{self.model.info.name} {self.model.info.quantisation}"

    def prompt(self, asked: Asked) -> str:
        """Return the prompt of what is asked, up to where the answer begins.

        A text is a user's turn. Special tokens that a message spells are made plain text by an
        invisible word joiner. Without a chat template in the file a text stays as it is. Raises
        UsageError for what is no question, ModelError where the template refuses it.
        """
        return self._prompts.render(asked)

    def answer(
        self,
        asked: Sequence[Asked],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        stop: Sequence[str] = (),
        seed: int | None = None,
    ) -> list[Generation]:
        """Write an answer to each question, up to the end of the turn or the first stop text.

        Raises UsageError for a prompt that leaves no room for ``max_tokens`` in the window.
        """
        return _all(
            self.try_answer(
                asked, max_tokens=max_tokens, temperature=temperature, stop=stop, seed=seed
            )
        )

    def fill(
        self,
        asked: Sequence[Asked],
        schema: Mapping[str, Any],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> list[Any]:
        """Fill in the form that a JSON schema describes, once for each question.

        Returns the values, each whole and as the schema wants it: types, names, listed values,
        bounds of numbers and lengths, patterns, dates and UUIDs. The prompt should say what is
        wanted: the schema is not shown to the model, it only cannot write anything else.

        A form that is not whole when ``max_tokens`` run short is finished by the model under the
        grammar of its endings: the text begun ends where it is, nothing more is added to lists and
        of what may be missing, and texts that must still come have a sentence, or at last nothing.
        Numbers and listed values are the model's to the end.

        Raises UsageError for a schema that a form cannot keep, for ``max_tokens`` that are too few
        for a form of empty texts, and for a prompt that leaves no room for them in the window.
        """
        return _all(
            self.try_fill(asked, schema, max_tokens=max_tokens, temperature=temperature, seed=seed)
        )

    def decide(self, asked: Sequence[Asked], options: Sequence[str]) -> list[Decision]:
        """Tell which of the options is the answer to each question.

        An option's probability is proportional to the likelihood of the whole answer: its text and
        the end of the turn, as the chat template spells it (without a template: a space, the text
        and the end of the line). The end belongs to it as a likelihood without is that of every
        answer that begins so: of ``"A"`` and ``"A lot"`` the first could never lose. Nothing is
        generated or parsed; what questions and options share is read once.

        Raises UsageError for fewer than two options, empty ones, and one named twice, and for a
        prompt that does not fit the window.
        """
        return _all(self.try_decide(asked, options))

    def decide_each(
        self, asked: Sequence[Asked], options: Sequence[Sequence[str]]
    ) -> list[Decision]:
        """`decide` for questions that have options of their own; what they share is read once."""
        return _all(self.try_decide_each(asked, options))

    def try_answer(
        self,
        asked: Sequence[Asked],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        stop: Sequence[str] = (),
        seed: int | None = None,
    ) -> list[Generation | FastscoreError]:
        """`answer`, with an error in the place of an answer where one question cannot be met."""
        most = self._most(max_tokens)
        sampling = self._sampled(temperature, seed)
        check_stops(stop)

        def work(prompts: list[str]) -> list[Generation | FastscoreError]:
            requests = [GenerationRequest(text, (0,), tuple(stop), most) for text in prompts]
            return [*write_each(self.model, requests, sampling)]

        return self._each(asked, most, work)

    def try_fill(
        self,
        asked: Sequence[Asked],
        schema: Mapping[str, Any],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> list[Any | FastscoreError]:
        """`fill`, with an error in the place of a value where one question cannot be met."""
        most = self._most(max_tokens)
        sampling = self._sampled(temperature, seed)
        return self._each(
            asked, most, lambda prompts: fill_each(self.model, prompts, schema, most, sampling)
        )

    def try_decide(
        self, asked: Sequence[Asked], options: Sequence[str]
    ) -> list[Decision | FastscoreError]:
        """`decide`, with an error in the place of a decision where one question cannot be met."""
        taken = check_options(options)
        return self.try_decide_each(asked, [taken] * len(_questions(asked)))

    def try_decide_each(
        self, asked: Sequence[Asked], options: Sequence[Sequence[str]]
    ) -> list[Decision | FastscoreError]:
        """`decide_each`, with an error in the place of a decision that cannot be met."""
        if len(options) != len(_questions(asked)):
            raise UsageError(f"{len(options)} lists of options come with {len(asked)} questions")
        taken = [check_options(one) for one in options]
        lead, end = self._prompts.frame
        longest = {
            one: max(len(self.model.tokenize(f"{lead}{option}{end}")) for option in one)
            for one in set(taken)
        }
        outcomes: dict[int, Decision | FastscoreError] = {}
        prompts = self._that_fit(asked, [longest[one] for one in taken], outcomes)
        pairs = [
            [(prompt, f"{lead}{option}{end}") for option in taken[i]]
            for i, prompt in prompts.items()
        ]
        for i, found in zip(prompts, weigh_each(self.model, pairs), strict=True):
            outcomes[i] = weighed(taken[i], found)
        return [outcomes[i] for i in range(len(taken))]

    def _each(
        self,
        asked: Sequence[Asked],
        room: int,
        work: Callable[[list[str]], list[Answer | FastscoreError]],
    ) -> list[Answer | FastscoreError]:
        """Work on the prompts that leave ``room`` tokens in the window; errors for the others."""
        outcomes: dict[int, Answer | FastscoreError] = {}
        prompts = self._that_fit(asked, [room] * len(_questions(asked)), outcomes)
        if prompts:
            outcomes.update(zip(prompts, work(list(prompts.values())), strict=True))
        return [outcomes[i] for i in range(len(asked))]

    def _that_fit(
        self, asked: Sequence[Asked], rooms: Sequence[int], outcomes: dict[int, Any]
    ) -> dict[int, str]:
        """Prompts, by number, that leave their room in the window; errors go to ``outcomes``."""
        prompts: dict[int, str] = {}
        for i, (question, room) in enumerate(zip(asked, rooms, strict=True)):
            try:
                prompt = self.prompt(question)
                self._check_room(prompt, room)
            except FastscoreError as error:
                outcomes[i] = error
            else:
                prompts[i] = prompt
        return prompts

    def _check_room(self, prompt: str, room: int) -> None:
        n_tokens = len(self.model.tokenize(prompt))
        window = self.model.settings.max_length
        if n_tokens + room > window:
            raise UsageError(
                f"the prompt has {n_tokens} tokens and its answer up to {room}, and the window is "
                f"{window}; shorten the prompt, lower max_tokens, or raise n_ctx"
            )

    def _most(self, max_tokens: int | None) -> int:
        most = self._max_tokens if max_tokens is None else max_tokens
        if not isinstance(most, numbers.Integral) or most < 1:
            raise UsageError(f"max_tokens is {most!r:.60}; it is a whole number, at least 1")
        return most

    def _sampled(self, temperature: float | None, seed: int | None) -> Sampling:
        ours = self._sampling
        sampling = Sampling(
            temperature=ours.temperature if temperature is None else temperature,
            seed=ours.seed if seed is None else seed,
        )
        check_sampling(sampling)
        return sampling

    def close(self) -> None:
        """Free the model, unless the caller opened it."""
        if self._owned:
            self.model.close()


def _questions(asked: Sequence[Asked]) -> Sequence[Asked]:
    """Return the questions; UsageError for a single text."""
    if isinstance(asked, (str, bytes)):
        raise UsageError(f"asked is one text, {asked!r:.60}; give a list of questions: [...]")
    return asked


def _all(outcomes: Sequence[Answer | FastscoreError]) -> list[Answer]:
    """Return the answers; the first error, if there is one, with the number of its question."""
    found: list[Answer] = []
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, FastscoreError):
            if len(outcomes) > 1:
                raise type(outcome)(f"question {i}: {outcome}") from outcome
            raise outcome
        found.append(outcome)
    return found
