"""Benchmarks: how a row becomes a question, and a question a prompt.

`get_task` and `expand` find them by name. `Task` and `Question` are all it takes to write one with
choices, `GenerationTask` and `OpenQuestion` to write one that a model answers in its own words.
"""

from fastscore.tasks.anytask import AnyTask
from fastscore.tasks.generation import GenerationTask, OpenQuestion
from fastscore.tasks.groups import Group
from fastscore.tasks.prompting import Prompting
from fastscore.tasks.registry import (
    Selection,
    ShotPlan,
    expand,
    get_group,
    get_task,
    group_names,
    plan_shots,
    task_names,
)
from fastscore.tasks.task import Question, Task
from fastscore.tasks.taskfile import load_task_file

__all__ = [
    "AnyTask",
    "GenerationTask",
    "Group",
    "OpenQuestion",
    "Prompting",
    "Question",
    "Selection",
    "ShotPlan",
    "Task",
    "expand",
    "get_group",
    "get_task",
    "group_names",
    "load_task_file",
    "plan_shots",
    "task_names",
]
