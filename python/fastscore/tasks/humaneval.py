"""HumanEval: Python functions to be written from their head and docstring.

Paper: "Evaluating Large Language Models Trained on Code", Mark Chen, Jerry Tworek, Heewoo Jun,
Qiming Yuan, Henrique Ponde de Oliveira Pinto, Jared Kaplan, and others,
https://arxiv.org/abs/2107.03374.
Licence of the data: MIT.

`humaneval`, lm-eval's format: the prompt is the beginning of a program, which the model goes on
with until it begins something new at the margin.

`humaneval_instruct`, for models that follow instructions, with the model's chat template: it is
asked for a solution, and its answer, after the bar, has already begun::

    Write a solution to the following problem and make sure that it passes the tests:
    ```python
    {prompt}
    ```
    | Here is the completed function:
    ```python
    {prompt}

What it writes up to the next fence goes on from the prompt. Without a chat template the same text
stands in one piece.

Prompt and answer are run together with the problem's tests: `pass@1` is the share of programs that
pass. Prompts are part of the benchmark, so no few-shot examples can be added.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import replace

from fastscore.datasets import sources
from fastscore.tasks.generation import GenerationTask, OpenQuestion
from fastscore.types import ProgramParts, Row


def _question(row: Row) -> OpenQuestion:
    prompt, entry_point = row["prompt"], row["entry_point"]
    test = f"{row['test']}\ncheck({entry_point})"
    return OpenQuestion(
        prompt,
        solution=row["canonical_solution"],
        gold=test,
        # The prompt also defines what some tests use: the polynomial of HumanEval/32.
        program=ProgramParts(
            test, before=prompt, entry_point=entry_point, prelude=_statements(prompt)
        ),
    )


def _statements(prompt: str) -> str:
    """Return what of a prompt is Python by itself: all but a function that has no body yet.

    HumanEval's own prompts end in a docstring, which is a body; those of other problems may not.
    """
    lines = prompt.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line[0].strip()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for end in (len(lines), *reversed(starts)):
            text = "".join(lines[:end])
            try:
                ast.parse(text)
            except (SyntaxError, ValueError):
                continue
            return text
    return ""


def _instruction(row: Row) -> OpenQuestion:
    request = (
        "Write a solution to the following problem and make sure that it passes the tests:\n"
        f"```python\n{row['prompt']}\n```\n"
    )
    prefix = f"Here is the completed function:\n```python\n{row['prompt']}\n"
    return replace(_question(row), prompt=request, prefix=prefix)


def _until_fence(output: str) -> str:
    return output.partition("```")[0]


_HUMANEVAL = GenerationTask(
    "humaneval",
    _question,
    sources.HUMANEVAL,
    stop=("\nclass", "\ndef", "\n#", "\nif", "\nprint"),
    max_tokens=1024,
    executes_code=True,
    fixed_fewshot=True,
    about=__doc__,
)

TASKS = [
    _HUMANEVAL,
    replace(
        _HUMANEVAL,
        name="humaneval_instruct",
        question=_instruction,
        filters={"until_fence": _until_fence},
        version="4.0",
    ),
]
