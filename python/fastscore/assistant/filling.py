"""Forms that a model fills in: whole within the tokens there are.

The model writes under the form's grammar as it likes. A form that is not whole when its tokens run
short is finished under the grammar of its endings: the text begun ends where it is, nothing that
may be missing is added, and what must still come is the model's choice, with free texts of at most
a sentence at first, and empty ones (as short as the schema lets them be) at last. What that takes
at most is known beforehand and kept in reserve: a token spells at least a byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastscore.assistant.expression import Expression, follow
from fastscore.assistant.form import form
from fastscore.assistant.gbnf import gbnf
from fastscore.assistant.keywords import shown
from fastscore.assistant.runs import write_each
from fastscore.assistant.values import read
from fastscore.errors import DecodeError, FastscoreError, ModelError, UsageError
from fastscore.model import Model
from fastscore.types import Generation, GenerationRequest, Sampling

# Letters of a free text that begins when tokens run short, and most tokens kept for such texts.
_SENTENCE = 64
_FOR_SENTENCES = 128


@dataclass
class _Sheet:
    """One form under way: what is written, the tokens that took, and what came of it."""

    prompt: str
    text: str = ""
    n_tokens: int = 0
    outcome: Any = None
    done: bool = False


def fill_each(
    model: Model,
    prompts: Sequence[str],
    schema: Mapping[str, Any],
    max_tokens: int,
    sampling: Sampling,
) -> list[Any | FastscoreError]:
    """Value of the form after each prompt, or why there is none.

    Raises UsageError for a schema that cannot be kept, and where ``max_tokens`` are too few for a
    form with empty texts.
    """
    sheets = [_Sheet(prompt) for prompt in prompts]
    try:
        filling = _Filling(model, schema, max_tokens, sampling)
        for texts, kept in filling.passes:
            filling.write([sheet for sheet in sheets if not sheet.done], texts, kept)
    except RecursionError as error:
        raise UsageError(
            f"the schema {shown(schema)} is nested too deep, or too many of an object's properties "
            "may be missing, some hundred; make it smaller, or require them"
        ) from error
    for sheet in sheets:
        if not sheet.done:
            sheet.outcome = ModelError(
                f"the form could not be finished after {sheet.text[-60:]!r}: the model ended it, "
                "or wrote a special token there; give another seed, or temperature 0"
            )
    return [sheet.outcome for sheet in sheets]


class _Filling:
    def __init__(
        self, model: Model, schema: Mapping[str, Any], max_tokens: int, sampling: Sampling
    ) -> None:
        self._model = model
        self._schema = schema
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._form = form(schema)
        reserve = int(self._form.reserve) + 1  # the last token ends the turn
        if max_tokens <= reserve:
            raise UsageError(
                f"max_tokens is {max_tokens}, and the form can take {reserve} tokens even when its "
                f"texts are empty; give at least {reserve + 1}, or a schema of fewer required parts"
            )
        sentences = min(_FOR_SENTENCES, (max_tokens - reserve) // 4)
        # Letters of a text that begins (None: any number), and tokens kept for later passes.
        self.passes: tuple[tuple[int | None, int], ...] = (
            (None, reserve + sentences),
            (_SENTENCE, reserve),
            (0, 0),
        )

    def write(self, sheets: Sequence[_Sheet], texts: int | None, kept: int) -> None:
        """Go on with forms that are not whole, those that may end alike together."""
        alike: dict[str, list[tuple[_Sheet, int]]] = {}
        for sheet in sheets:
            if (room := self._room(sheet, kept)) > 0:
                alike.setdefault(gbnf(self._ending(sheet, texts)), []).append((sheet, room))
        for grammar, some in alike.items():
            requests = [
                GenerationRequest(sheet.prompt + sheet.text, max_tokens=room)
                for sheet, room in some
            ]
            written = write_each(self._model, requests, self._sampling, grammar)
            for (sheet, _), more in zip(some, written, strict=True):
                if isinstance(more, DecodeError):
                    sheet.outcome, sheet.done = more, True
                else:
                    self._written(sheet, more)

    def _room(self, sheet: _Sheet, kept: int) -> int:
        """Tokens that a form may take now: of those it has left, those that the window has."""
        room = self._max_tokens - sheet.n_tokens - kept
        if sheet.text:
            n_prompt = len(self._model.tokenize(sheet.prompt + sheet.text))
            room = min(room, self._model.settings.max_length - n_prompt)
        return room

    def _ending(self, sheet: _Sheet, texts: int | None) -> Expression:
        if texts is None:
            return self._form
        return follow(self._form, sheet.text)[0].tightened(texts)

    def _written(self, sheet: _Sheet, more: Generation) -> None:
        sheet.text += more.text
        sheet.n_tokens += more.n_tokens
        # Of what the model wrote, special tokens are no part of the text.
        ending, n = follow(self._form, sheet.text)
        sheet.text = sheet.text[:n]
        if ending.nullable and (more.finish_reason == "eos" or ending.longest == 0):
            sheet.done = True
            try:
                sheet.outcome = read(sheet.text, self._schema)
            except ValueError as error:
                sheet.outcome = ModelError(
                    f"the form {sheet.text!r:.200} does not keep its schema: {error}"
                )
