"""From questions to the texts a model sees: description, examples, query, chat turns.

The rules are those of lm-evaluation-harness 0.4.13 (``Task.fewshot_context``). As plain text::

    system instruction, description | prompt, delimiter, answer, separator | ... | prompt

and each choice is scored as delimiter + choice. Under a chat template the same pieces are turns:
system instruction and description are the system message, prompts are the user's and answers the
assistant's messages, delimiter and separator are left out, and choices are scored bare. The given
beginning of an answer is the assistant's last message, left open for the model to go on with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from fastscore.chat import ChatTemplate
from fastscore.errors import UsageError
from fastscore.fewshot import DEFAULT_SEED, draw_shared, make_sampler
from fastscore.tasks.base import AnyQuestion, BaseTask, Solvable, between
from fastscore.tasks.generation import GenerationTask
from fastscore.tasks.task import Task
from fastscore.types import Item, OpenItem, Row


@dataclass(frozen=True, slots=True)
class Prompting:
    """How prompts are built around a task's questions.

    Attributes:
        num_fewshot: Examples before each question; None for the task's own number.
        seed: Of the stream that examples are drawn from.
        fewshot: ``lm-eval`` draws anew for every item, as lm-eval does; ``shared`` draws one set
            for all items of a task.
        chat: Template to put the prompt into.
        system_instruction: Text ahead of the task's description.
        fewshot_as_multiturn: Under a chat template, whether each example is a turn of its own, or
            all of them are one user message. lm-eval's command line has it on.

    """

    num_fewshot: int | None = None
    seed: int = DEFAULT_SEED
    fewshot: Literal["lm-eval", "shared"] = "lm-eval"
    chat: ChatTemplate | None = None
    system_instruction: str | None = None
    fewshot_as_multiturn: bool = True

    def __post_init__(self) -> None:
        if self.fewshot not in ("lm-eval", "shared"):
            raise UsageError(f"fewshot is {self.fewshot!r}; it must be 'lm-eval' or 'shared'")

    def variant(self, task: BaseTask[Any]) -> str | None:
        """Say, for tables, what sets the scores apart from lm-eval's; None where nothing does."""
        if self.fewshot == "shared" and task.shots(self.num_fewshot) and not task.same_shots:
            return "shared shots: not lm-eval's per item"
        return None

    def notices(self, task: BaseTask[Any]) -> tuple[str, ...]:
        """Say what of a task's prompt the chat template loses."""
        if self.chat is None or self.chat.takes_system:
            return ()
        lost = [
            text
            for text, given in (
                ("the system instruction", self.system_instruction),
                ("the task's description", task.description),
            )
            if given
        ]
        if not lost:
            return ()
        verb = "are" if len(lost) > 1 else "is"
        notice = (
            "the model's chat template has no place for a system message, so "
            f"{' and '.join(lost)} {verb} left out, as by lm-eval."
        )
        return (notice,)


class _Turn(NamedTuple):
    """One message, and the text that follows it where there is no chat template."""

    role: str
    content: str
    after: str = ""


def make_items(
    task: Task, rows: Sequence[Row], pool: Sequence[Row], prompting: Prompting
) -> list[Item]:
    """Make the items of ``rows``; see `Task.items`."""
    delimiter = "" if prompting.chat else task.delimiter
    return [
        Item(
            doc_id=doc_id,
            contexts=tuple(
                _render([*header, _Turn("user", prompt)], prompting) for prompt in question.prompts
            ),
            continuations=tuple(delimiter + choice for choice in question.choices),
            choices=tuple(question.choices),
            gold=question.golds,
        )
        for doc_id, header, question in _questions(task, rows, pool, prompting)
    ]


def make_open_items(
    task: GenerationTask, rows: Sequence[Row], pool: Sequence[Row], prompting: Prompting
) -> list[OpenItem]:
    """Make the items of ``rows``; see `GenerationTask.items`."""
    items = []
    for doc_id, header, question in _questions(task, rows, pool, prompting):
        turns = [*header, _Turn("user", question.prompt)]
        if question.prefix:
            joint = between(question.prompt, task.delimiter, question.prefix)
            turns[-1] = _Turn("user", question.prompt, joint)
            turns.append(_Turn("assistant", question.prefix))
        items.append(
            OpenItem(
                doc_id=doc_id,
                context=_render(turns, prompting),
                stop=task.stop,
                max_tokens=task.max_tokens,
                gold=question.gold,
                program=question.program,
            )
        )
    return items


def _questions(
    task: BaseTask[AnyQuestion], rows: Sequence[Row], pool: Sequence[Row], prompting: Prompting
) -> Iterator[tuple[int, list[_Turn], AnyQuestion]]:
    """Give each row's number, the turns ahead of its question, and its question."""
    shots = _shots_per_item(task, rows, pool, prompting)
    system = _system_turns(task, prompting)
    examples: dict[int, list[_Turn]] = {}

    def example(position: int) -> list[_Turn]:
        if position not in examples:
            question = task.ask(pool[position], f"few-shot row {position} (counted from 0)")
            examples[position] = _example_turns(question, task)
        return examples[position]

    for doc_id, row in enumerate(rows):
        question = task.ask(row, f"row {doc_id} (counted from 0)")
        header = system + [turn for position in shots(row) for turn in example(position)]
        yield doc_id, header, question


def _shots_per_item(
    task: BaseTask[AnyQuestion], rows: Sequence[Row], pool: Sequence[Row], prompting: Prompting
) -> Callable[[Row], Sequence[int]]:
    """Return a function that draws the examples of one item; call it once an item, in order."""
    n = task.shots(prompting.num_fewshot)
    if prompting.fewshot == "shared" and n and not task.same_shots:
        shared = draw_shared(task.sampler, pool, rows, n, prompting.seed)
        return lambda row: shared
    sampler = make_sampler(task.sampler, pool, prompting.seed)
    return lambda row: sampler.draw(n, row if task.exclude_item else None)


def _system_turns(task: BaseTask[AnyQuestion], prompting: Prompting) -> list[_Turn]:
    instruction = prompting.system_instruction or ""
    joint = between(instruction, task.separator, task.description)
    text = instruction + joint + task.description
    return [_Turn("system", text)] if text else []


def _example_turns(question: Solvable, task: BaseTask[AnyQuestion]) -> list[_Turn]:
    prompt, answer = question.solved
    return [_Turn("user", prompt, task.delimiter), _Turn("assistant", answer, task.separator)]


def _render(turns: Sequence[_Turn], prompting: Prompting) -> str:
    if prompting.chat is None:
        return "".join(turn.content + turn.after for turn in turns)
    begun = turns[-1].role == "assistant"
    if not prompting.fewshot_as_multiturn:
        system = [turn for turn in turns if turn.role == "system"]
        last = [turns[-1]] if begun else []
        rest = turns[len(system) : len(turns) - len(last)]
        # What follows the question joins it to the answer, which is a message of its own here.
        user = "".join(turn.content + turn.after for turn in rest[:-1]) + rest[-1].content
        turns = [*system, _Turn("user", user), *last]
    messages = [{"role": turn.role, "content": turn.content} for turn in turns]
    return prompting.chat.continue_last(messages) if begun else prompting.chat.render(messages)
