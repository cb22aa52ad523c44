"""``fastscore tasks``: what there is to score a model on."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastscore.cli.failures import explained

if TYPE_CHECKING:
    from fastscore.tasks import AnyTask, Group

MANY = 12
"""Members above which a group stands for them in the list."""

TOPIC_WIDTH = 110
"""Columns of a terminal from which there is room to say what a benchmark asks."""

HEADINGS = ("items", "shots", "metrics", "paper", "what it asks")
RIGHT = ("items",)


def tasks(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Show these tasks or groups in full."),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="List each task of large groups, such as MMLU's 57.", metavar=""
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON for scripts.", metavar="")
    ] = False,
) -> None:
    """List the benchmarks: sizes, metrics, few-shot examples, papers.

    \b
    Examples:
      fastscore tasks
      fastscore tasks arc_challenge
      fastscore tasks --all --json
    """  # noqa: D301
    with explained():
        from fastscore import tasks as registry

        groups = [registry.get_group(name) for name in registry.group_names()]
        if names:
            selection = registry.expand(names)
            chosen_groups = [g for g in groups if g.name in names]
            chosen = [
                t for t in selection.tasks if not any(t.name in g.members for g in chosen_groups)
            ]
        else:
            chosen_groups = groups
            hidden = {
                member
                for group in groups
                if len(group.members) > MANY and not everything
                for member in group.members
            }
            chosen = [registry.get_task(n) for n in registry.task_names() if n not in hidden]
        if as_json:
            print(_to_json(chosen, chosen_groups))
        elif names:
            _print_details(chosen, chosen_groups)
        else:
            _print_table(chosen, chosen_groups)


def _facts(task: AnyTask) -> dict[str, Any]:
    from fastscore.tasks import GenerationTask

    facts = {
        "name": task.name,
        "summary": task.summary,
        "n": _count(task),
        "metrics": list(task.columns),
        "num_fewshot": task.num_fewshot,
        "fixed_fewshot": task.fixed_fewshot,
        "version": task.version,
        "dataset": task.source.hub_repo,
        "output": "choice",
    }
    if not isinstance(task, GenerationTask):
        return facts
    return {
        **facts,
        "output": "code" if task.executes_code else "text",
        "stop": list(task.stop),
        "max_tokens": task.max_tokens,
        "filters": list(task.filters),
    }


def _group_facts(group: Group) -> dict[str, Any]:
    from fastscore.tasks import get_task

    sizes = [_count(get_task(name)) for name in group.members]
    return {
        "name": group.name,
        "n": None if None in sizes else sum(size or 0 for size in sizes),
        "metrics": list(group.metrics),
        "tasks": list(group.members),
    }


def _to_json(tasks: list[AnyTask], groups: list[Group]) -> str:
    document = {
        "tasks": [{**_facts(task), "about": task.about.strip()} for task in tasks],
        "groups": [_group_facts(group) for group in groups],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _print_table(tasks: list[AnyTask], groups: list[Group]) -> None:
    from fastscore.tasks import get_task

    rows = [("group", *HEADINGS)]
    for group in groups:
        member = get_task(group.members[0])
        size = _size(_group_facts(group)["n"])
        topic = f"{_topic(member)} ({len(group.members)} tasks)"
        rows.append(
            (group.name, size, _shots(member), ", ".join(group.metrics), _paper(member), topic)
        )
    n_groups = len(rows)
    rows.append(("task", *HEADINGS))
    rows += [
        (t.name, _size(_count(t)), _shots(t), _metrics(t), _paper(t), _topic(t)) for t in tasks
    ]
    lines = _aligned(rows, with_topic=not sys.stdout.isatty() or _columns() >= TOPIC_WIDTH)
    print("\n".join([*lines[:n_groups], "", *lines[n_groups:]]))
    print("\nA group is scored over all items of its tasks. Shots are the tasks' own number.")
    print("_letters lists the choices and scores a letter, _cloze scores their texts.")
    print("'fastscore tasks NAME' shows prompt format, licence and paper.")


def _aligned(rows: Sequence[Sequence[str]], *, with_topic: bool) -> list[str]:
    """Lay cells out in columns; nothing is cut, whatever the width."""
    kept = [row if with_topic else row[:-1] for row in rows]
    widths = [max(map(len, column)) for column in zip(*kept, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if heading in RIGHT else cell.ljust(width)
            for heading, cell, width in zip(("name", *HEADINGS), row, widths, strict=False)
        ).rstrip()
        for row in kept
    ]


def _columns() -> int:
    return shutil.get_terminal_size().columns


def _print_details(tasks: list[AnyTask], groups: list[Group]) -> None:
    from fastscore.tasks import get_task

    for group in groups:
        facts = _group_facts(group)
        print(f"{group.name}: {len(group.members)} tasks, {_size(facts['n'])} items")
        print(f"metrics: {', '.join(group.metrics)}")
        print(_wrapped(f"tasks: {', '.join(group.members)}"), end="\n\n")
        print(_about(get_task(group.members[0])), end="\n\n")
    for task in tasks:
        facts = _facts(task)
        print(f"{task.name} (version {task.version}): {_size(facts['n'])} items")
        print(f"metrics: {' and '.join(facts['metrics'])}")
        if facts["output"] != "choice":
            print(f"answers: {_ending(facts)}")
        fixed = ", part of the benchmark" if task.fixed_fewshot else ""
        print(f"few-shot examples: {task.num_fewshot}{fixed}")
        print(f"dataset: {facts['dataset'] or 'in fastscore, or a file of your own'}\n")
        print(_about(task), end="\n\n")


def _ending(facts: dict[str, Any]) -> str:
    """Say where a generated answer ends, and what is taken from it."""
    stops = ", ".join(json.dumps(text, ensure_ascii=False) for text in facts["stop"])
    taken = [name for name in facts["filters"] if name != "none"]
    extracted = f"; extracted: {', '.join(taken)}" if taken else ""
    executed = "; code, to be executed" if facts["output"] == "code" else ""
    return f"up to {stops} or {facts['max_tokens']} tokens{extracted}{executed}"


def _about(task: AnyTask) -> str:
    """Give the text about a task without the marks of its markup."""
    return re.sub(r"::$", ":", task.about.strip(), flags=re.MULTILINE)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, min(_columns(), 100), subsequent_indent="  ")


def _topic(task: AnyTask) -> str:
    """Say what a benchmark asks, from the first line about it: ``ARC: grade-school questions.``."""
    return task.summary.partition(": ")[2].rstrip(".") or task.summary


def _paper(task: AnyTask) -> str:
    found = re.search(r"https?://[^\s,]+", task.about)
    url = found[0].rstrip(".") if found else ""
    return url.replace("https://arxiv.org/abs/", "arXiv:")


def _shots(task: AnyTask) -> str:
    return f"{task.num_fewshot} fixed" if task.fixed_fewshot else str(task.num_fewshot)


def _metrics(task: AnyTask) -> str:
    """Name the metrics, each once whatever the number of ways to extract an answer."""
    return ", ".join(dict.fromkeys(column.partition(",")[0] for column in task.columns))


def _count(task: AnyTask) -> int | None:
    """Count the items: the published number, or what comes with fastscore."""
    if task.source.n_eval is None and task.source.hub_repo is None:
        return len(task.load("eval").rows)
    return task.source.n_eval


def _size(n: int | None) -> str:
    return "" if n is None else f"{n:,}"
