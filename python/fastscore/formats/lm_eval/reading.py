"""Results out of the files that lm-eval writes, to be held against others in a comparison.

Read are ``results_<date>.json`` and the ``samples_<task>_<date>.jsonl`` beside it, as lm-eval 0.4
writes them with ``--output_path`` and ``--log_samples``. lm-eval itself is not needed.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastscore.errors import FastscoreError, ResultsError, UsageError
from fastscore.formats.lm_eval.facts import config_of, date_of, model_of, settings_of, work_of
from fastscore.formats.lm_eval.items import NotUsableError, keep_scores, read_samples
from fastscore.formats.lm_eval.names import imported, safe
from fastscore.formats.lm_eval.sampling import read_max_tokens, read_sampling
from fastscore.results import GenerationSummary, GroupResult, Results, TaskResult
from fastscore.results.fields import Fields
from fastscore.results.values import AnySample
from fastscore.statistics.means import pool, summarise
from fastscore.types import Origin

_log = logging.getLogger(__name__)

# What reading values of other kinds than lm-eval's ends in.
_FOREIGN = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

MOST_BYTES = 4 * 2**30
"""A larger file is refused: it would not fit into memory."""

_MAIN = "results_*.json"
# Relative: how far lm-eval's mean over items may be from the one that is made of its samples.
_SAME = 1e-9
# lm-eval's word for a task that does not tell its version, and fastscore's.
_NO_VERSION, _FIRST = "Yaml", "1.0"


def holds_lm_eval(path: str | Path) -> bool:
    """Say whether a path is one of lm-eval's results files, or a directory that holds one."""
    path = Path(path)
    if path.is_file():
        return path.match(_MAIN)
    return path.is_dir() and bool(_main_files(path))


def read_lm_eval(path: str | Path) -> Results:
    """Read what lm-eval wrote: a ``results_<date>.json``, or a directory with just one of them.

    Tasks that cannot be read item by item (perplexities of whole texts, metrics that are no mean
    over items, tasks whose right answers the files do not tell), and those with nothing but metrics
    of which less is better, are left out; ``settings`` of the results says which and why under
    ``left_out``, and so does the log. Items are named by their
    content as fastscore names its own, so that the two can be paired.

    Raises UsageError for a directory with none or several of them, ResultsError for files that
    cannot be read, and where no task is left.
    """
    main = _find(Path(path))
    document = _read(main)
    try:
        return _results(main, document)
    except FastscoreError:
        raise
    except _FOREIGN as error:
        raise ResultsError(
            f"{main} is not as lm-eval writes it: {type(error).__name__} {error}"
        ) from error


def _results(main: Path, document: Fields) -> Results:
    date = main.stem.removeprefix("results_")
    tasks: dict[str, TaskResult] = {}
    left_out: dict[str, str] = {}
    for name, config in document.objects("configs"):
        file = _samples_file(main, name, date)
        try:
            tasks[name] = _task(name, config, document, file)
        except NotUsableError as reason:
            left_out[name] = str(reason)
            _log.warning("%s: the task %s is left out: %s", main.name, name, reason)
    if not tasks:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        raise ResultsError(f"{main} has no task that can be read item by item ({reasons})")
    return Results(
        tasks=tasks,
        groups=_groups(document, tasks),
        model=model_of(document),
        settings={**settings_of(document, list(tasks)), "left_out": left_out},
        tokenisation="as lm-eval's model had it",
        versions={"lm_eval": str(document.values.get("lm_eval_version") or "unknown")},
        machine={},
        work=work_of(document, tasks),
        date=date_of(document),
    )


def _main_files(directory: Path) -> list[Path]:
    return sorted({*directory.glob(_MAIN), *directory.glob(f"*/{_MAIN}")})


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    found = _main_files(path)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"{path} holds no results_<date>.json; lm-eval writes it with --output_path"
        )
    raise UsageError(
        f"{path} holds {len(found)} runs of lm-eval; name the file of one of them, such as "
        f"{found[-1]}"
    )


def _samples_file(main: Path, task: str, date: str) -> Path:
    """Where the lines of a task are: by its name as lm-eval writes it, or made safe, as we do."""
    if "/" not in task and "\\" not in task:
        as_it_is = main.with_name(f"samples_{task}_{date}.jsonl")
        if as_it_is.is_file():
            return as_it_is
    return main.with_name(f"samples_{safe(task)}_{date}.jsonl")


def _read(path: Path) -> Fields:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ResultsError(f"{path} has more than {MOST_BYTES >> 30} GiB, which is too much")
        values = json.loads(path.read_bytes())  # NaN is a number to lm-eval
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: this is not JSON: {error}.") from None
    if not isinstance(values, dict):
        raise ResultsError(f"{path}: expected a JSON object, found {type(values).__name__}.")
    return Fields(values, path.name)


def _task(name: str, config: Fields, document: Fields, file: Path) -> TaskResult:
    if not file.is_file():
        raise NotUsableError(f"there is no {file.name}; run lm-eval with --log_samples")
    if file.stat().st_size > MOST_BYTES:
        raise ResultsError(f"{file} has more than {MOST_BYTES >> 30} GiB, which is too much")
    kind = str(config.values.get("output_type"))
    samples = read_samples(file, kind)
    recorded = document.object("results").object(name)
    names = list(samples[0].scores)
    values = {
        metric: summarise(
            [sample.scores[metric] for sample in samples],
            binary=_is_binary(samples, metric),
        )
        for metric in names
    }
    kept = {
        metric: value
        for metric, value in values.items()
        if _is_mean(value.value, _recorded(recorded, metric))
        and not _less_is_better(document, name, metric)
    }
    if not kept:
        raise NotUsableError("none of its metrics is a mean over items of which more is better")
    samples = [keep_scores(sample, kept) for sample in samples]
    return TaskResult(
        metrics=kept,
        n=len(samples),
        num_fewshot=_shots(document, name),
        version=_version(document, name),
        variant=None,
        notices=("Read from lm-eval's files.",),
        origin=_origin(config, document, name),
        fewshot_origin=None,
        truncated=0,
        boundary=0,
        samples=samples,
        generation=_summary(config, document, samples) if kind == "generate_until" else None,
    )


def _less_is_better(document: Fields, task: str, metric: str) -> bool:
    """Say whether lm-eval calls a rise of a metric a loss: a comparison would call it a gain."""
    directions = document.values.get("higher_is_better")
    of_task = directions.get(task) if isinstance(directions, dict) else None
    if not isinstance(of_task, dict):
        return False
    directions = {imported(name): higher for name, higher in of_task.items()}
    return directions.get(metric.partition(",")[0]) is False


def _recorded(row: Fields, metric: str) -> Any:
    """lm-eval's own value of a metric."""
    found = [
        value
        for key, value in row.values.items()
        # Of a task with one filter our name leaves it out: it says nothing then.
        if imported(key) == metric or imported(key).startswith(f"{metric},")
    ]
    return found[0] if len(found) == 1 else None


def _is_binary(samples: Sequence[AnySample], metric: str) -> bool:
    return all(sample.scores[metric].value in (0.0, 1.0) for sample in samples)


def _is_mean(ours: float, theirs: Any) -> bool:
    return isinstance(theirs, (int, float)) and math.isclose(
        ours, theirs, rel_tol=_SAME, abs_tol=_SAME
    )


def _summary(config: Fields, document: Fields, samples: Sequence[Any]) -> GenerationSummary:
    kwargs = config.values.get("generation_kwargs")
    kwargs = kwargs if isinstance(kwargs, dict) else {}
    called = config_of(document)
    version = str(document.values.get("lm_eval_version") or "unknown")
    return GenerationSummary(
        n=len(samples[0].outputs),
        sampling=read_sampling(kwargs, str(called.get("model")), version),
        max_tokens=read_max_tokens(kwargs, called),
        mean_tokens=math.nan,
        finish_reasons={"unknown": sum(len(sample.outputs) for sample in samples)},
    )


def _shots(document: Fields, name: str) -> int:
    shots = document.object("n-shot").values.get(name)
    return shots if isinstance(shots, int) else 0


def _version(document: Fields, name: str) -> str:
    version = document.object("versions").values.get(name)
    if version == _NO_VERSION:
        return _FIRST
    return str(float(version)) if isinstance(version, (int, float)) else str(version)


def _origin(config: Fields, document: Fields, name: str) -> Origin:
    counts = document.values.get("n-samples", {}).get(name, {})
    path = config.values.get("dataset_path"), config.values.get("dataset_name")
    rows = counts.get("original", 0)
    return Origin(
        kind="hub",
        location="/".join(str(part) for part in path if part) or "unknown",
        sha256="",
        n_rows=rows if isinstance(rows, int) else 0,
        notes=("lm-eval's files do not say which bytes the rows were read from.",),
    )


def _groups(document: Fields, tasks: Mapping[str, TaskResult]) -> dict[str, GroupResult]:
    """Groups whose tasks are all there, with the metrics that come out as lm-eval has them."""
    members = document.values.get("group_subtasks", {})
    groups = {}
    for name in document.values.get("groups", {}):
        leaves = _leaves(name, members, set())
        if not leaves or not all(leaf in tasks for leaf in leaves):
            continue
        parts = [tasks[leaf] for leaf in leaves]
        sizes = [part.n for part in parts]
        row = document.object("groups").object(name)
        metrics = {}
        for metric in parts[0].metrics:
            if all(metric in part.metrics for part in parts):
                binary = all(_is_binary(part.samples, metric) for part in parts)
                value = pool([part.metrics[metric] for part in parts], sizes, binary=binary)
                if _is_mean(value.value, _recorded(row, metric)):
                    metrics[metric] = value
        direct = [one for one in members[name] if one in tasks or one in groups]
        groups[name] = GroupResult(tuple(direct or leaves), tuple(leaves), metrics, sum(sizes))
    return groups


def _leaves(name: str, members: Mapping[str, list[str]], above: set[str]) -> list[str]:
    if name in above:
        raise ResultsError(f"the group {name} is inside itself")
    below = members.get(name)
    if not below:
        return [name]
    return [leaf for one in below for leaf in _leaves(one, members, above | {name})]
