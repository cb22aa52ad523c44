"""DeepEval's closed questions, answered by the log-likelihoods of their options."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deepeval.models.base_model import DeepEvalBaseSystemOneModel
from deepeval.models.system_one.limits import SystemOneContextLimitError
from deepeval.models.system_one.schema import (
    ChoiceAnswer,
    ChoiceQuestion,
    NoulAnswer,
    NoulQuestion,
    ScoreAnswer,
    ScoreQuestion,
    SystemOneAnswers,
)

from fastscore.assistant import Assistant, Decision
from fastscore.errors import UsageError
from fastscore.integrations.deepeval.judge import Judge
from fastscore.model import Model

YES, NO = "Yes", "No"
# Tokens of an answer: a word or a label, and the end of the turn.
_ANSWER_ROOM = 16


class FastscoreSystemOneModel(Judge, DeepEvalBaseSystemOneModel):  # type: ignore[misc]
    """A GGUF model that answers DeepEval's closed questions with probabilities.

    For ``system_one_model=`` of metrics and classifiers. A question is decided by the
    log-likelihoods of its options after the state and the question: the prompt is read once,
    nothing is written and nothing parsed. Probabilities are those among the options.

    Parameters are those of `FastscoreLLM` but for those of writing. To judge with the model that a
    `FastscoreLLM` has open, give its assistant: ``FastscoreSystemOneModel(llm.model)``.
    """

    def __init__(
        self, model: str | Path | Model | Assistant, *, system: str | None = None, **options: Any
    ) -> None:
        self._open(model, {"system": system, **options})
        super().__init__(self._assistant.name)

    def decide(self, state: Any, questions: Mapping[str, Any]) -> tuple[SystemOneAnswers, float]:
        """Answer questions about ``state``; returns the answers and their cost, 0.

        Raises SystemOneContextLimitError, of DeepEval, where state and question do not fit the
        window, UsageError for fewer than two options and for what is no question.
        """
        asked = [written(state, question) for question in questions.values()]
        try:
            decided = self._now(
                lambda assistant: assistant.decide_each(
                    [one.prompt for one in asked], [one.options for one in asked]
                ),
                lambda: [future.result() for future in self._ask(asked)],
            )
        except UsageError as error:
            self._check_room(asked, error)
            raise
        return answers(questions, decided), 0.0

    async def a_decide(
        self, state: Any, questions: Mapping[str, Any]
    ) -> tuple[SystemOneAnswers, float]:
        """Do what `decide` does; all that wait at a time are one batch."""
        asked = [written(state, question) for question in questions.values()]
        try:
            decided = await asyncio.gather(*map(asyncio.wrap_future, self._ask(asked)))
        except UsageError as error:
            self._check_room(asked, error)
            raise
        return answers(questions, decided), 0.0

    def _ask(self, asked: Sequence[Question]) -> list[Future[Decision]]:
        return [self._gatherer.decide(one.prompt, one.options) for one in asked]

    def _check_room(self, asked: Sequence[Question], error: UsageError) -> None:
        """Raise DeepEval's own error where a prompt does not fit: it falls back or says so."""
        model = self._assistant.model
        window = model.settings.max_length
        longest = max(len(model.tokenize(self._assistant.prompt(one.prompt))) for one in asked)
        if longest + _ANSWER_ROOM > window:
            raise SystemOneContextLimitError(
                str(error), estimated_tokens=longest, limit_tokens=window
            ) from error


@dataclass(frozen=True)
class Question:
    """A question as the model reads it, and the answers it chooses from."""

    prompt: str
    options: tuple[str, ...]


def written(state: Any, question: Any) -> Question:
    """Write a question about ``state`` out.

    The state stands in front and alike for all questions about it, so that it is decoded once.
    Options are answered by a letter and levels by their number: a log-likelihood of their own
    texts would be one of their lengths too. Raises UsageError for what is no question, and for what
    cannot be written as JSON.
    """
    asked, options = _asked(question)
    return Question(f"{_text(state)}\n\n{asked}", options)


def _asked(question: Any) -> tuple[str, tuple[str, ...]]:
    if isinstance(question, NoulQuestion):
        criteria = [
            f"{answer}: {_text(meaning)}"
            for answer, meaning in ((YES, question.true), (NO, question.false))
            if meaning is not None
        ]
        told = question.instructions
        # JevEval's are propositions; hybrid metrics put questions, in JSON.
        proposed = isinstance(told, str) and not told.rstrip().endswith("?")
        answer = f"{'Is this true? ' if proposed else ''}Answer Yes or No, nothing else."
        return "\n".join([_text(told), *criteria, "", answer]), (YES, NO)
    if isinstance(question, ChoiceQuestion):
        labels = _letters(len(question.options))
        texts = [
            name if meaning is None else f"{name}: {_text(meaning)}"
            for name, meaning in question.options.items()
        ]
        answer = "Answer with the letter of the option that is right, nothing else."
    elif isinstance(question, ScoreQuestion):
        labels = tuple(str(level) for level in range(len(question.levels)))
        texts = [_text(level) for level in question.levels]
        answer = "Answer with the number of the level that fits best, nothing else."
    else:
        raise UsageError(
            f"a question is a {type(question).__name__}; DeepEval has NoulQuestion, "
            "ChoiceQuestion and ScoreQuestion"
        )
    listed = [f"{label}. {text}" for label, text in zip(labels, texts, strict=True)]
    return "\n".join([_text(question.instructions), *listed, "", answer]), labels


def answers(questions: Mapping[str, Any], decisions: Sequence[Decision]) -> SystemOneAnswers:
    """Return DeepEval's answers from the decision on each question."""
    found = SystemOneAnswers()
    for (key, question), decision in zip(questions.items(), decisions, strict=True):
        probabilities = decision.probabilities
        if isinstance(question, NoulQuestion):
            found.nouls[key] = NoulAnswer(probability=decision.probability(YES))
        elif isinstance(question, ChoiceQuestion):
            names = list(question.options)
            found.choices[key] = ChoiceAnswer(
                choice=names[decision.index],
                probabilities=dict(zip(names, probabilities, strict=True)),
                confidence=_confidence(probabilities),
            )
        else:
            found.scores[key] = ScoreAnswer(
                score=sum(level * p for level, p in enumerate(probabilities)),
                probabilities=dict(enumerate(probabilities)),
                confidence=_confidence(probabilities),
            )
    return found


def _confidence(probabilities: Sequence[float]) -> float:
    """How far the highest probability is above an even spread: 0 there, 1 at certainty."""
    n = len(probabilities)
    return (n * max(probabilities) - 1) / (n - 1)


def _letters(n: int) -> tuple[str, ...]:
    """A, B, ..., Z, then numbers: no more letters are left."""
    if n > 26:
        return tuple(str(number) for number in range(1, n + 1))
    return tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:n])


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=1)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"what is asked about is neither a text nor JSON ({error}): {value!r:.100}"
        ) from error
