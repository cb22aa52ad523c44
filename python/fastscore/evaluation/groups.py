"""From the results of tasks to those of the groups that they make up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastscore.results import GroupResult, TaskResult
from fastscore.tasks import Group, Selection


def sum_up(selection: Selection, tasks: Mapping[str, TaskResult]) -> dict[str, GroupResult]:
    """Pool the results of all tasks into those of the groups of a request."""
    columns = {task.name: task.columns for task in selection.tasks}
    return {
        group.name: GroupResult.from_tasks(
            _directly_below(group, selection.groups),
            {member: tasks[member] for member in group.members},
            {name: columns[group.members[0]][name] for name in group.metrics},
        )
        for group in selection.groups
    }


def _directly_below(group: Group, groups: Sequence[Group]) -> list[str]:
    """Name the groups that make up this one, and the tasks that are in none of them."""
    inside = [one for one in groups if set(one.members) < set(group.members)]
    parts = [
        one for one in inside if not any(set(one.members) < set(other.members) for other in inside)
    ]
    covered = {member for part in parts for member in part.members}
    return [part.name for part in parts] + [m for m in group.members if m not in covered]
