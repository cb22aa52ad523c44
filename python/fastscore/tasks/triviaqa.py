"""TriviaQA: questions of trivia enthusiasts, answered without a text to look them up in.

Paper: "TriviaQA: A Large Scale Distantly Supervised Challenge Dataset for Reading Comprehension",
Mandar Joshi, Eunsol Choi, Daniel Weld, Luke Zettlemoyer, https://arxiv.org/abs/1705.03551.
Licence of the data: the University of Washington does not own the copyright of the questions.

`triviaqa`, lm-eval's format; the question's own question mark and another one both stand there::

    Question: {question}?
    Answer: {answer}

An answer ends at the first line end, full stop or comma. It is right if it equals one of the
aliases, apart from case and ASCII punctuation; articles count. Examples come from the training
split and show the first alias.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastscore.datasets import sources
from fastscore.tasks.answers import exact_match, strip
from fastscore.tasks.generation import GenerationTask, OpenQuestion
from fastscore.types import Row


def _question(row: Row) -> OpenQuestion:
    aliases = tuple(row["answer"]["aliases"])
    if not aliases:
        raise ValueError("answer.aliases is empty")
    return OpenQuestion(f"Question: {row['question']}?\nAnswer:", aliases[0], aliases)


def _match(answer: str, references: Sequence[str]) -> bool:
    return exact_match(answer, references, ignore_case=True, ignore_punctuation=True)


TASKS = [
    GenerationTask(
        "triviaqa",
        _question,
        sources.TRIVIAQA,
        stop=("\n", ".", ","),
        filters={"remove_whitespace": strip},
        match=_match,
        version="3.0",
        about=__doc__,
    )
]
