"""What a rule for stopping is about: tasks and groups asked for, their items in random order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastscore.tasks import Group, Selection


@dataclass(frozen=True, slots=True)
class Unit:
    """A task, or a group whose items are drawn as if they were those of one task."""

    name: str
    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An item: its task, and its index among the task's items."""

    task: str
    index: int


def units_of(selection: Selection) -> list[Unit]:
    """Return the largest groups of a request, and the tasks that are in none of them."""
    groups = [group for group in selection.groups if not _is_inside(group, selection.groups)]
    grouped = {member for group in groups for member in group.members}
    units = [Unit(group.name, group.members) for group in groups]
    alone = [task.name for task in selection.tasks if task.name not in grouped]
    return units + [Unit(name, (name,)) for name in alone]


def random_order(unit: Unit, sizes: Mapping[str, int], seed: int) -> list[Place]:
    """Return the items of ``unit`` in an order that its name, its size and the seed decide.

    ``sizes`` are the tasks' numbers of items. By the hashes of the places, so that the order is
    the same with every version of everything, and for every model.
    """
    places = [Place(task, index) for task in unit.tasks for index in range(sizes[task])]
    kind = f"{seed}/{unit.name}/{len(places)}/"
    keys = [hashlib.sha256(f"{kind}{at}".encode()).digest() for at in range(len(places))]
    return [places[at] for at in sorted(range(len(places)), key=keys.__getitem__)]


def _is_inside(group: Group, groups: Sequence[Group]) -> bool:
    return any(set(group.members) < set(other.members) for other in groups)
