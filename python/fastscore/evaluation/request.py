"""From what a user asks for to what a run is made of: tasks, prompts, plans, a model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.chat import ChatTemplate
from fastscore.errors import UsageError
from fastscore.generation_settings import GenerationPlan, GenerationSettings
from fastscore.native import require_core
from fastscore.settings import ModelOptions, RunSettings, refuse_options
from fastscore.tasks import AnyTask, GenerationTask, Prompting, Task

if TYPE_CHECKING:
    from fastscore.model import Model

TaskLike = str | os.PathLike[str] | AnyTask
"""A task's or group's name, a pattern of names, a YAML file, or a task made in Python."""


def listed(tasks: TaskLike | Iterable[TaskLike]) -> list[str | Path | AnyTask]:
    """Take a request for tasks apart; UsageError names what is no task."""
    entries = (
        [tasks] if isinstance(tasks, (str, os.PathLike, Task, GenerationTask)) else list(tasks)
    )
    listed: list[str | Path | AnyTask] = []
    for entry in entries:
        if isinstance(entry, str):
            listed.extend(name.strip() for name in entry.split(",") if name.strip())
        elif isinstance(entry, (Task, GenerationTask)):
            listed.append(entry)
        elif isinstance(entry, os.PathLike):
            listed.append(Path(entry))
        else:
            raise UsageError(
                f"a task is given by its name, a YAML file or a Task, not by {entry!r}"
            )
    return listed


def check_exists(model: Model | str | os.PathLike[str]) -> None:
    """Look for a model on this machine; one on the hub is looked for when it is fetched."""
    if isinstance(model, (str, os.PathLike)) and not os.fspath(model).startswith("hf://"):
        require_core()
        from fastscore.model.locate import locate

        locate(os.fspath(model))


def open_model(
    model: Model | str | os.PathLike[str], options: ModelOptions, stack: ExitStack
) -> Model:
    """Open a model for as long as the stack lasts; one that is open already is left as it is."""
    if not isinstance(model, (str, os.PathLike)):
        refuse_options(options, "a model", "Model")
        return model
    require_core()
    from fastscore.model import Model

    arguments: dict[str, Any] = dict(options)
    return stack.enter_context(Model(os.fspath(model), **arguments))


def chat_template(model: Model) -> ChatTemplate:
    """Return the model's chat template; UsageError where it has none."""
    info = model.info
    return ChatTemplate.from_metadata(
        info.chat_template, info.bos_text or None, info.eos_text or None
    )


def prompt_notices(
    tasks: Iterable[AnyTask], promptings: Mapping[str, Prompting]
) -> Iterator[tuple[str, str]]:
    """Yield what must be known of the prompts, as (task, sentence)."""
    for task in tasks:
        for notice in promptings[task.name].notices(task):
            yield task.name, notice


def promptings(
    settings: RunSettings, shots: Mapping[str, int], chat: ChatTemplate | None
) -> dict[str, Prompting]:
    """Say how the prompts of each task are built."""
    return {
        name: Prompting(
            num_fewshot=n,
            seed=settings.seed,
            fewshot=settings.fewshot,
            chat=chat,
            system_instruction=settings.system_instruction,
            fewshot_as_multiturn=settings.fewshot_as_multiturn,
        )
        for name, n in shots.items()
    }


def plan_generation(
    tasks: Iterable[AnyTask], settings: GenerationSettings, seed: int
) -> dict[str, GenerationPlan]:
    """Decide what is asked of each task with generated texts; UsageError where that cannot be."""
    open_tasks = [task for task in tasks if isinstance(task, GenerationTask)]
    settings.check_use(
        any_texts=bool(open_tasks), any_code=any(task.executes_code for task in open_tasks)
    )
    plans = {
        task.name: settings.plan(task.name, task.sampling, seed, executes_code=task.executes_code)
        for task in open_tasks
    }
    if plans:
        from fastscore.model.sampling import check_sampling

        for plan in plans.values():
            check_sampling(plan.sampling)
    return plans


def check_room(
    tasks: Iterable[AnyTask], plans: Mapping[str, GenerationPlan], max_length: int
) -> None:
    """Raise UsageError where texts may fill the window of ``max_length`` tokens by themselves.

    The engine would refuse them too, but only after all that is scored before them.
    """
    for task in tasks:
        if not isinstance(task, GenerationTask):
            continue
        most = plans[task.name].max_tokens or task.max_tokens
        if most >= max_length:
            raise UsageError(
                f"{task.name}: a text may have {most:,} tokens (max_tokens) and the window is "
                f"{max_length:,} tokens, which leaves no room for the prompt; choose max_tokens of "
                f"at most {max_length - 1:,}, or a larger window (n_ctx) if the model has one"
            )
