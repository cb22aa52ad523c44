"""One prompt, the texts a model wrote for it, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast, get_args

from fastscore.metrics import Score
from fastscore.results.digest import read_digest
from fastscore.results.fields import Fields, parse_object
from fastscore.results.lines import read_scores, write_line, write_reasons, write_scores
from fastscore.types import FinishReason

EndReason: TypeAlias = FinishReason | Literal["unknown"]
"""Why a text ended; ``unknown`` where another tool wrote it down without saying so."""

END_REASONS: tuple[EndReason, ...] = (*get_args(FinishReason), "unknown")

OUTCOMES = ("passed", "failed", "timed out", "out of memory", "crashed", "refused")
"""How the execution of a program can end, as the sandbox says it."""

_OWN_KEYS = frozenset(
    {
        "doc_id",
        "gold",
        "item",
        "n",
        "c",
        "outputs",
        "finish_reasons",
        "extracted",
        "outcomes",
        "details",
        "undefined",
        "context",
    }
)


@dataclass(frozen=True, slots=True)
class GenerationSample:
    """What a model wrote for one prompt, and what that is worth.

    Attributes:
        doc_id: Index of the row among the rows of the task, from 0.
        gold: The reference answer, or all of them where any one is right.
        outputs: The texts, one a sample; an empty one is an answer too.
        finish_reasons: Why each ended: ``stop``, ``eos`` or ``length``; ``unknown`` in results that
            were read from another tool's files.
        extracted: By filter, the part of each output that was judged.
        scores: Each metric under the name the task reports it by: the mean over the samples, or
            for pass@k its estimate from them.
        outcomes: Of each output's program, None where none was run: ``passed``, ``failed``,
            ``timed out``, ``out of memory``, ``crashed`` or ``refused``.
        details: What each program's execution says beside that: type and message of an exception.
        context: The prompt, kept only when prompts are logged.
        item: A digest of prompt, stop texts and gold; None where results of an older fastscore do
            not say it.

    """

    doc_id: int
    gold: str | tuple[str, ...]
    outputs: tuple[str, ...]
    finish_reasons: tuple[EndReason, ...]
    extracted: Mapping[str, tuple[str, ...]]
    scores: Mapping[str, Score]
    outcomes: tuple[str, ...] | None = None
    details: tuple[str, ...] | None = None
    context: str | None = None
    item: str | None = None

    @property
    def n_passed(self) -> int | None:
        """The c of pass@k: how many of the programs passed; None where none was run."""
        return None if self.outcomes is None else self.outcomes.count("passed")

    @property
    def has_prompt(self) -> bool:
        """Whether the prompt is kept."""
        return self.context is not None

    def without_prompt(self) -> GenerationSample:
        """Return the same without its prompt."""
        return replace(self, context=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the line's object: strict JSON values, as docs/results_schema.md describes."""
        line: dict[str, Any] = {
            "doc_id": self.doc_id,
            "gold": self.gold if isinstance(self.gold, str) else list(self.gold),
            **write_scores(self.scores, _OWN_KEYS),
            "n": len(self.outputs),
        }
        if self.item is not None:
            line["item"] = self.item
        if self.outcomes is not None:
            line["c"] = self.n_passed
        line["outputs"] = list(self.outputs)
        line["finish_reasons"] = list(self.finish_reasons)
        line["extracted"] = {name: list(texts) for name, texts in self.extracted.items()}
        if self.outcomes is not None:
            line["outcomes"] = list(self.outcomes)
        if self.details is not None:
            line["details"] = list(self.details)
        line |= write_reasons(self.scores)
        if self.context is not None:
            line["context"] = self.context
        return line

    def to_line(self) -> bytes:
        """Return the line with its end, in UTF-8."""
        return write_line(self.to_dict())

    @classmethod
    def from_line(cls, line: bytes, metrics: Sequence[str], where: str) -> GenerationSample:
        """Read a line back; ResultsError names ``where`` when it is not such a sample's."""
        fields = parse_object(line, where)
        outputs = fields.texts("outputs")
        n = len(outputs)
        if n == 0 or fields.count("n") != n:
            raise fields.wrong("n", f"{n}, the number of outputs, which is 1 or more")
        outcomes = (
            _one_each(fields, "outcomes", n, OUTCOMES) if "outcomes" in fields.values else None
        )
        if outcomes is not None and fields.count("c") != outcomes.count("passed"):
            raise fields.wrong("c", f"{outcomes.count('passed')}, how many outcomes are 'passed'")
        extracted = fields.object("extracted")
        reasons = _one_each(fields, "finish_reasons", n, END_REASONS)
        return cls(
            doc_id=fields.count("doc_id"),
            gold=_gold(fields),
            outputs=outputs,
            finish_reasons=cast("tuple[EndReason, ...]", reasons),
            extracted={name: _one_each(extracted, name, n) for name in extracted.values},
            scores=read_scores(fields, metrics),
            outcomes=outcomes,
            details=_one_each(fields, "details", n) if "details" in fields.values else None,
            context=fields.text("context") if "context" in fields.values else None,
            item=read_digest(fields),
        )


def _one_each(
    fields: Fields, key: str, n: int, choices: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Read a list of one text a sample, each one of ``choices`` if there are any."""
    texts = fields.texts(key)
    if len(texts) != n:
        raise fields.wrong(key, f"{n} texts, one a sample")
    if choices is not None and not set(texts) <= set(choices):
        raise fields.wrong(key, f"texts among {', '.join(choices)}")
    return texts


def _gold(fields: Fields) -> str | tuple[str, ...]:
    if isinstance(fields.values.get("gold"), str):
        return fields.text("gold")
    texts = fields.texts("gold")
    if not texts:
        raise fields.wrong("gold", "a text, or a list of at least one")
    return texts
