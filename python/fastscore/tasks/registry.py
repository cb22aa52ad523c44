"""The tasks and groups there are, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from fastscore.errors import UsageError
from fastscore.nearest import did_you_mean
from fastscore.tasks.anytask import AnyTask
from fastscore.tasks.generation import GenerationTask
from fastscore.tasks.groups import Group
from fastscore.tasks.task import Task
from fastscore.tasks.taskfile import load_task_file


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run consists of: each task once, and the groups that sum some of them up."""

    tasks: tuple[AnyTask, ...]
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """The number of few-shot examples of each task of a run, and what to tell the user of it."""

    shots: dict[str, int]
    notices: tuple[str, ...] = ()


def task_names() -> list[str]:
    """Return the names of all tasks, without groups."""
    return list(_tasks())


def group_names() -> list[str]:
    """Return the names of all groups."""
    return list(_groups())


def get_task(name: str) -> AnyTask:
    """Return the task of that name; UsageError, with the nearest names, where there is none."""
    if name in _tasks():
        return _tasks()[name]
    if name in _groups():
        raise UsageError(
            f"{name} is a group of {len(_groups()[name].members)} tasks; "
            f'expand(["{name}"]) gives them'
        )
    raise _unknown(name)


def get_group(name: str) -> Group:
    """Return the group of that name; UsageError, with the nearest names, where there is none."""
    if name not in _groups():
        raise _unknown(name)
    return _groups()[name]


def expand(wanted: Iterable[str | Path | AnyTask]) -> Selection:
    """Resolve what a user asks for: tasks, groups, patterns (``mmlu_*``), YAML files, own tasks.

    Tasks keep the order they are asked for in, and each comes once. UsageError for unknown names,
    for two different tasks of one name, and where nothing is asked for.
    """
    tasks: dict[str, AnyTask] = {}
    groups: dict[str, Group] = {}

    files: dict[Path, AnyTask] = {}

    def add(task: AnyTask) -> None:
        known = tasks.setdefault(task.name, task)
        if known != task:
            raise UsageError(f"two different tasks are called {task.name}; rename one of them")

    def add_own(task: AnyTask) -> None:
        if task.name in _groups() or _tasks().get(task.name, task) != task:
            raise UsageError(
                f"{task.name} is the name of one of fastscore's tasks; give yours another, so that "
                "nobody takes its score for that one's"
            )
        add(task)

    def add_group(group: Group) -> None:
        groups[group.name] = group
        for member in group.members:
            add(get_task(member))
        # A group brings the smaller groups it consists of: mmlu its four fields.
        for part in _groups().values():
            if set(part.members) < set(group.members):
                groups[part.name] = part

    for entry in wanted:
        if isinstance(entry, (Task, GenerationTask)):
            add_own(entry)
        elif isinstance(entry, Path) or entry.endswith((".yaml", ".yml")):
            path = Path(entry).resolve()
            if path not in files:
                files[path] = load_task_file(entry)
            add_own(files[path])
        else:
            for name in _matching(entry):
                if name in _groups():
                    add_group(_groups()[name])
                else:
                    add(get_task(name))
    if not tasks:
        raise UsageError("no task was asked for; `fastscore tasks` lists what there is")
    return Selection(tuple(tasks.values()), tuple(groups.values()))


def plan_shots(tasks: Sequence[AnyTask], num_fewshot: int | None) -> ShotPlan:
    """Decide how many examples each task of a run shows.

    Where some tasks of the run have a fixed number, they keep it and a notice says so, as lm-eval
    does; UsageError where all of them do, or for a number below 0.
    """
    fixed = [task for task in tasks if task.fixed_fewshot and num_fewshot != task.num_fewshot]
    if num_fewshot is None or not fixed or len(fixed) == len(tasks):
        return ShotPlan({task.name: task.shots(num_fewshot) for task in tasks})
    shots = {task.name: task.shots(None if task in fixed else num_fewshot) for task in tasks}
    notices = tuple(
        f"{task.name} keeps its own {task.num_fewshot} few-shot examples: its prompt is part of "
        "the benchmark"
        for task in fixed
    )
    return ShotPlan(shots, notices)


@cache
def _tasks() -> dict[str, AnyTask]:
    from fastscore.tasks import (
        arc,
        gsm8k,
        hellaswag,
        humaneval,
        mbpp,
        mini,
        mmlu,
        openbookqa,
        piqa,
        triviaqa,
        truthfulqa,
        winogrande,
    )

    choices = (arc, hellaswag, winogrande, mmlu, truthfulqa, piqa, openbookqa)
    generated = (gsm8k, triviaqa, humaneval, mbpp)
    found: list[AnyTask] = [task for module in choices for task in module.TASKS]
    found += [task for module in generated for task in module.TASKS]
    return {task.name: task for task in [*found, *mini.TASKS]}


@cache
def _groups() -> dict[str, Group]:
    from fastscore.tasks import mmlu

    return {group.name: group for group in mmlu.GROUPS}


def _matching(name: str) -> list[str]:
    """Return the tasks and groups that ``name``, which may be a pattern, stands for."""
    known = [*_groups(), *_tasks()]
    if name in known:
        return [name]
    if any(mark in name for mark in "*?["):
        found = [candidate for candidate in known if fnmatchcase(candidate, name)]
        if found:
            return found
        raise UsageError(f"no task is called like {name!r}; `fastscore tasks` lists what there is")
    raise _unknown(name)


def _unknown(name: str) -> UsageError:
    known = [*_groups(), *_tasks()]
    hint = did_you_mean(name, known, "`fastscore tasks` lists what there is", n=3)
    return UsageError(f"there is no task {name!r}; {hint}")
