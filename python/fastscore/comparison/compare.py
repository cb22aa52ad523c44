"""Hold models against each other: run what has not been run, then compare item by item."""

from __future__ import annotations

import fnmatch
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

from fastscore.comparison.build import check_margin, compare_results
from fastscore.comparison.comparison import Comparison
from fastscore.comparison.contender import ContenderLike, Entrant, labels_of, read_entrant
from fastscore.comparison.deciding import (
    Side,
    check_options,
    decide,
    is_until_decided,
    models_open,
)
from fastscore.comparison.document import folder_of
from fastscore.comparison.model_figures import check_text, with_divergences, with_profiles
from fastscore.comparison.values import Contender
from fastscore.errors import FastscoreError, UsageError
from fastscore.evaluation.evaluate import evaluate
from fastscore.evaluation.request import TaskLike, listed
from fastscore.evaluation.until import FirstItems
from fastscore.progress import Progress
from fastscore.reporters import make_reporter
from fastscore.results import Results
from fastscore.results.files import prepare_directory
from fastscore.settings import ModelOptions, check_model_options
from fastscore.tasks import expand, load_task_file


def compare(
    base: ContenderLike,
    *candidates: ContenderLike,
    tasks: TaskLike | Iterable[TaskLike] | None = None,
    margin: float = 0.01,
    divergence: str | os.PathLike[str] | None = None,
    profile: bool = False,
    output: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
    **options: Any,
) -> Comparison:
    """Say what each candidate gains or loses against a base, on the same items.

    Models that have no results yet are run one after the other, each as by `evaluate`; stopped,
    the same call goes on where it was. A candidate that cannot be scored is left out, which a
    warning of the comparison says, as long as there is another.

    Example:
        >>> found = compare(  # doctest: +SKIP
        ...     "native.gguf", "Q8_0.gguf", "Q2_K.gguf", tasks="arc_easy,hellaswag", margin=0.02
        ... )
        >>> found["Q8_0"]["arc_easy"].verdict  # doctest: +SKIP
        'equivalent'
        >>> compare("runs/native", "runs/Q8_0")  # doctest: +SKIP

    Args:
        base: What the others are held against: a GGUF file, ``"demo"``, ``"hf://owner/repo/file"``,
            an open `Model`, `Results`, or a directory that holds some.
        *candidates: The others, at least one.
        tasks: As for `evaluate`. For results alone: names of the tasks and groups to compare, None
            for all that they share.
        margin: The largest difference that is held for none, in the metric's unit: 0.01 is a point
            of accuracy. A candidate is equivalent when its difference is shown to be smaller.
        divergence: Also measure how far each candidate's distributions are from the base's: on a
            text file, or with ``"tasks"`` on the tasks' own prompts. Takes models, not results.
        profile: Also measure what each model costs on this machine: speed, memory, energy. Takes
            models, not results.
        output: Directory for ``comparison.json`` and each model's results, which go into a folder
            of the model's name; None writes no files.
        progress: As for `evaluate`.
        **options: `evaluate`'s others, for the models that are run. Beside ``ci=0.02``, which ends
            each model's run by itself, ``until`` may be ``"decided"``: all models are scored side
            by side, on the same items in random order, until each comparison has an interval of
            the difference that excludes 0 or lies within the margin.

    Raises:
        UsageError: the request cannot be met; nothing was loaded.
        ResultsError: results cannot be read or written, or are not about the same thing.
        Others: as `evaluate`.

    """
    check_margin(margin)
    if not candidates:
        raise UsageError("there is nothing to compare with the base; name at least one candidate")
    _check_options(options)
    text = check_text(divergence)
    wanted = None if tasks is None else listed(tasks)
    entrants = [read_entrant(one) for one in (base, *candidates)]
    to_run = [one for one in entrants if one.results is None]
    if to_run:
        if wanted is None:
            raise UsageError(
                f"{to_run[0].said} is a model, which is run before it is compared; say on which "
                "tasks"
            )
        expand(wanted)  # a mistyped name is said before anything is loaded
    elif options:
        raise UsageError(
            f"{', '.join(options)} cannot be set: everything that is compared has its results "
            "already"
        )
    if (divergence is not None or profile) and len(to_run) < len(entrants):
        there = next(one.said for one in entrants if one.results is not None)
        raise UsageError(
            f"{'profile' if divergence is None else 'divergence'} takes models, and {there} are "
            "results; name the model file in their place"
        )
    until_decided = is_until_decided(options)
    if until_decided:
        check_options(options)
        if len(to_run) < len(entrants):
            there = next(one.said for one in entrants if one.results is not None)
            raise UsageError(
                f"until='decided' scores models as far as needed, and {there} are results; name "
                "the model file in their place, and what it has scored is found again"
            )
    labels = labels_of(entrants)
    directory = None if output is None else Path(output)
    if directory is not None:
        prepare_directory(directory)
    folders = [None if directory is None else directory / folder_of(label) for label in labels]
    if until_decided:
        contenders, failed = _decided(entrants, labels, wanted, folders, progress, options, margin)
    else:
        contenders, failed = _one_by_one(entrants, labels, wanted, folders, progress, options)
    names = None if len(to_run) == len(entrants) else _names(wanted, contenders)
    comparison = compare_results(contenders[0], contenders[1:], margin=margin, tasks=names)
    if failed:
        named = zip(labels, entrants, strict=True)
        entrants = [one for label, one in named if label not in failed]
        comparison = comparison.without(list(starmap(_left_out, failed.items())))
    if directory is not None:
        comparison.save(directory)  # whatever comes after the scores
    try:
        if divergence is not None:
            assert wanted is not None
            comparison = with_divergences(comparison, entrants, text, wanted, options, progress)
        if profile:
            comparison = with_profiles(comparison, entrants, options, progress)
    except KeyboardInterrupt as stop:
        stop.args = (_stopped_beside(directory),)
        raise
    if directory is not None and (divergence is not None or profile):
        comparison.save(directory)
    return comparison


def _check_options(options: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that neither `evaluate` nor a model has."""
    own = [*inspect.signature(evaluate).parameters][2:-1]
    given = {name: value for name, value in options.items() if name not in own}
    check_model_options(given, ["margin", "divergence", "profile", *own])


def _one_by_one(
    entrants: Sequence[Entrant],
    labels: Sequence[str],
    tasks: Sequence[TaskLike] | None,
    folders: Sequence[Path | None],
    progress: bool | Callable[[Progress], object] | None,
    options: Mapping[str, Any],
) -> tuple[list[Contender], dict[str, FastscoreError]]:
    """Score what has no results yet; return what can be compared, and what failed, by label.

    One candidate that fails takes nothing from the others, which may be a night's work. Where the
    base fails, or every candidate does, there is nothing to compare, and the first error is raised.
    """
    contenders: list[Contender] = []
    failed: dict[str, FastscoreError] = {}
    for label, one, folder in zip(labels, entrants, folders, strict=True):
        results = one.results
        if results is None:
            at = len(contenders) + len(failed) + 1
            _say(progress, f"{label}, model {at} of {len(entrants)}:")
            try:
                results = _run(one, tasks, folder, progress, options)
            except KeyboardInterrupt as stop:
                stop.args = (_stopped(stop, [done.label for done in contenders]),)
                raise
            except FastscoreError as error:
                failed[label] = error
                if not contenders or len(failed) == len(entrants) - 1:
                    raise next(iter(failed.values())) from None
                _say(progress, f"{label} could not be scored: {error}")
                continue
        contenders.append(Contender(label, results))
    return contenders, failed


def _decided(
    entrants: Sequence[Entrant],
    labels: Sequence[str],
    tasks: Sequence[TaskLike] | None,
    folders: Sequence[Path | None],
    progress: bool | Callable[[Progress], object] | None,
    options: Mapping[str, Any],
    margin: float,
) -> tuple[list[Contender], dict[str, FastscoreError]]:
    """Score all models side by side until every comparison is decided; return as `_one_by_one`."""
    engine = {k: v for k, v in options.items() if k in ModelOptions.__annotations__}
    models = [one.model for one in entrants if one.model is not None]

    def side(entrant: Entrant, label: str, folder: Path | None) -> Side:
        def score(rule: FirstItems) -> Results:
            if rule.look == 0:
                _say(progress, f"{label}:")
            return _run(entrant, tasks, folder, progress, {**options, "until": rule})

        return Side(label, score)

    with models_open(models, engine) as opened:
        open_entrants = [replace(one, model=m) for one, m in zip(entrants, opened, strict=True)]
        base, *others = map(side, open_entrants, labels, folders)
        return decide(base, others, margin=margin, notify=partial(_say, progress))


def _run(
    entrant: Entrant,
    tasks: Sequence[TaskLike] | None,
    output: Path | None,
    progress: bool | Callable[[Progress], object] | None,
    options: Mapping[str, Any],
) -> Results:
    assert entrant.model is not None
    assert tasks is not None
    if not entrant.is_file:  # a model that is open has the options that it was opened with
        options = {k: v for k, v in options.items() if k not in ModelOptions.__annotations__}
    return evaluate(entrant.model, tasks, output=output, progress=progress, **options)


def _names(wanted: Sequence[TaskLike] | None, contenders: Sequence[Contender]) -> list[str] | None:
    """Name the tasks and groups of the results that are asked for; patterns stand for several."""
    if wanted is None:
        return None
    known = list(dict.fromkeys(name for one in contenders for name in one.results))
    names: dict[str, None] = {}
    for one in wanted:
        if isinstance(one, os.PathLike) or (
            isinstance(one, str) and one.endswith((".yaml", ".yml"))
        ):
            name = load_task_file(Path(one)).name
        else:
            name = one if isinstance(one, str) else one.name
        found = [name] if name in known else fnmatch.filter(known, name)
        names |= dict.fromkeys(found or [name])
    return list(names)


def _left_out(label: str, error: FastscoreError) -> str:
    """Say in one line that a candidate failed; llama.cpp's reasons are lines of a log."""
    why = "; ".join(str(error).splitlines()).replace(":; ", ": ")
    return f"{label} could not be scored, and is left out: {why}"


def _say(progress: bool | Callable[[Progress], object] | None, message: str) -> None:
    reporter = make_reporter(progress)
    reporter.note(message)
    reporter.close()


def _stopped(stop: KeyboardInterrupt, done: Sequence[str]) -> str:
    """Say what is kept of a comparison that Ctrl-C ended."""
    said = str(stop.args[0]) if stop.args else "Stopped."
    return f"{said} Done before: {', '.join(done)}." if done else said


def _stopped_beside(directory: Path | None) -> str:
    """Say what is kept where Ctrl-C ended what is measured beside the scores."""
    if directory is None:
        return (
            "Stopped. All was scored; the same command finds what was kept and measures the rest."
        )
    return (
        f"Stopped. The comparison without what was being measured is in {directory}; the same "
        "command measures it."
    )
