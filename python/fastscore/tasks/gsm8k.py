"""GSM8K: grade-school word problems that take a few steps of arithmetic.

Paper: "Training Verifiers to Solve Math Word Problems", Karl Cobbe, Vineet Kosaraju, Mohammad
Bavarian, Mark Chen, Heewoo Jun, Lukasz Kaiser, Matthias Plappert, Jerry Tworek, Jacob Hilton,
Reiichiro Nakano, Christopher Hesse, John Schulman, https://arxiv.org/abs/2110.14168.
Licence of the data: MIT.

`gsm8k`, lm-eval's format, after five solved examples from the training split::

    Question: {question}
    Answer: {steps}
    #### {number}

Two ways to find the number in an answer have a score each: `strict-match` takes the one after the
first "####", `flexible-extract` the last number there is. An answer counts if its number is
written as in the reference, apart from commas, dollar signs and a full stop at the end: "18.0" is
not "18".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastscore.datasets import sources
from fastscore.tasks.answers import exact_match, first_found, last_found
from fastscore.tasks.generation import GenerationTask, OpenQuestion
from fastscore.types import Row

_IGNORED = tuple(map(re.compile, (",", r"\$", "(?s).*#### ", r"\.$")))


def _question(row: Row) -> OpenQuestion:
    prompt = f"Question: {row['question']}\nAnswer:"
    # The calculator annotations, <<2+3=5>>, stay in the examples.
    return OpenQuestion(prompt, solution=row["answer"], gold=row["answer"])


def _match(answer: str, references: Sequence[str]) -> bool:
    return exact_match(answer, references, ignore=_IGNORED, ignore_case=True)


TASKS = [
    GenerationTask(
        "gsm8k",
        _question,
        sources.GSM8K,
        stop=("Question:", "</s>", "<|im_end|>"),
        filters={
            "strict-match": first_found(r"#### (\-?[0-9\.\,]+)"),
            "flexible-extract": last_found(r"(-?[$0-9.,]{2,})|(-?[0-9]+)"),
        },
        match=_match,
        exclude_item=False,
        num_fewshot=5,
        version="3.0",
        about=__doc__,
    )
]
