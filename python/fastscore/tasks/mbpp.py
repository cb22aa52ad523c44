"""MBPP: short Python functions to be written from one sentence and three tests.

Paper: "Program Synthesis with Large Language Models", Jacob Austin, Augustus Odena, Maxwell Nye,
Maarten Bosma, Henryk Michalewski, David Dohan, Ellen Jiang, Carrie Cai, Michael Terry, Quoc Le,
Charles Sutton, https://arxiv.org/abs/2108.07732.
Licence of the data: CC BY 4.0.

`mbpp`, lm-eval's format, with up to three solved examples, always the same (problems 2 to 4); the
first sentences stand in one line::

    You are an expert Python programmer, and here is your task: {text}
    Your code should pass these tests:

    {test}
    {test}
    {test}
    [BEGIN]
    {code}
    [DONE]

The answer up to "[DONE]" is run together with the three tests: `pass@1` is the share of programs
that pass. As in lm-eval, the set-up code that problem 367 has for its tests is not run, so that
no program that follows its prompt passes them.
"""

from __future__ import annotations

from fastscore.datasets import sources
from fastscore.tasks.generation import GenerationTask, OpenQuestion
from fastscore.types import ProgramParts, Row

EXAMPLES: tuple[Row, ...] = (
    {
        "task_id": 2,
        "text": "Write a function to find the similar elements from the given two tuple lists.",
        "code": "def similar_elements(test_tup1, test_tup2):\r\n"
        "  res = tuple(set(test_tup1) & set(test_tup2))\r\n"
        "  return (res) ",
        "test_list": [
            "assert similar_elements((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)",
            "assert similar_elements((1, 2, 3, 4),(5, 4, 3, 7)) == (3, 4)",
            "assert similar_elements((11, 12, 14, 13),(17, 15, 14, 13)) == (13, 14)",
        ],
    },
    {
        "task_id": 3,
        "text": "Write a python function to identify non-prime numbers.",
        "code": "import math\r\n"
        "def is_not_prime(n):\r\n"
        "    result = False\r\n"
        "    for i in range(2,int(math.sqrt(n)) + 1):\r\n"
        "        if n % i == 0:\r\n"
        "            result = True\r\n"
        "    return result",
        "test_list": [
            "assert is_not_prime(2) == False",
            "assert is_not_prime(10) == True",
            "assert is_not_prime(35) == True",
        ],
    },
    {
        "task_id": 4,
        "text": "Write a function to find the largest integers from a given list of numbers using "
        "heap queue algorithm.",
        "code": "import heapq as hq\r\n"
        "def heap_queue_largest(nums,n):\r\n"
        "  largest_nums = hq.nlargest(n, nums)\r\n"
        "  return largest_nums",
        "test_list": [
            "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],3)==[85, 75, 65] ",
            "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],2)==[85, 75] ",
            (
                "assert heap_queue_largest( [25, 35, 22, 85, 14, 65, 75, 22, 58],5)"
                "==[85, 75, 65, 58, 35]"
            ),
        ],
    },
)
"""Rows of the data set, with the line ends they have there."""


def _question(row: Row) -> OpenQuestion:
    tests = "\n".join(row["test_list"][number] for number in range(3))
    prompt = (
        f"You are an expert Python programmer, and here is your task: {row['text']} Your code "
        f"should pass these tests:\n\n{tests}\n[BEGIN]\n"
    )
    return OpenQuestion(
        prompt,
        solution=f"{row['code']}\n[DONE]",
        gold=tests,
        program=ProgramParts(tests, reference=row["code"]),
    )


TASKS = [
    GenerationTask(
        "mbpp",
        _question,
        sources.MBPP,
        stop=("[DONE]",),
        executes_code=True,
        fixed_examples=EXAMPLES,
        sampler="first",
        exclude_item=False,
        delimiter="",
        num_fewshot=3,
        about=__doc__,
    )
]
