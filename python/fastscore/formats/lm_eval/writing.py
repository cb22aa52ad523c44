"""Results in the files that lm-eval writes, for the viewers and leaderboards made for those.

The layout is that of lm-eval 0.4.13's ``EvaluationTracker``: a folder named after the model with
``results_<date>.json`` and ``samples_<task>_<date>.jsonl``. What only lm-eval knows (the
rows, their hashes, its version) is left out rather than made up. lm-eval itself is not needed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastscore.errors import ResultsError, UsageError
from fastscore.formats.lm_eval.lines import lines_of, sha
from fastscore.formats.lm_eval.names import exported_filter, exported_metric, safe
from fastscore.formats.lm_eval.sampling import written_sampling
from fastscore.formats.naming import model_name
from fastscore.metrics import get_metric
from fastscore.results import (
    GenerationSample,
    MetricValue,
    Results,
    Sample,
    TaskResult,
)
from fastscore.results.files import write_file


def write_lm_eval(results: Results, directory: str | Path) -> Path:
    """Write ``results`` as lm-eval would, below ``directory``; return the path of the main file.

    The samples hold the prompts where these were logged (``log_prompts``), and no ``arguments``
    where they were not. Files of the same date are replaced, each as a whole, the main file last.

    Raises ResultsError where nothing can be written.
    """
    name = model_name(results)
    files = _file_names(results)
    folder = Path(directory) / safe(name)
    started = datetime.fromisoformat(results.date)
    date = started.replace(tzinfo=None).isoformat().replace(":", "-")
    main = folder / f"results_{date}.json"
    for task, result in results.tasks.items():
        lines = lines_of(task, result, results.settings)
        write_file(folder / f"samples_{files[task]}_{date}.jsonl", map(_json, lines))
    write_file(main, [_json(_document(results, name, started), indent=2)])
    return main


def _json(value: Mapping[str, Any], indent: int | None = None) -> bytes:
    return (json.dumps(value, indent=indent) + "\n").encode()


def _file_names(results: Results) -> dict[str, str]:
    """By task, the part of its file's name that tells it from the others."""
    names: dict[str, str] = {}
    for task in results.tasks:
        for other, taken in names.items():
            if taken == safe(task):
                raise ResultsError(
                    f"the tasks {other} and {task} would be one file, samples_{taken}; rename one "
                    "of them"
                )
        names[task] = safe(task)
    return names


def lacks_prompts(results: Results) -> bool:
    """Say whether samples were kept without their prompts, so that lm-eval's lines lack them."""
    firsts = [next(iter(task.samples), None) for task in results.tasks.values()]
    return any(
        (one.contexts if isinstance(one, Sample) else one.context) is None
        for one in firsts
        if one is not None
    )


def _document(results: Results, name: str, started: datetime) -> dict[str, Any]:
    tasks, settings = results.tasks, results.settings
    applied = bool(settings.get("apply_chat_template"))
    rows = {task: _row(task, result.n, _metrics(task, result)) for task, result in tasks.items()}
    groups = {
        group: _row(group, result.n, {f"{m},none": v for m, v in result.metrics.items()})
        for group, result in results.groups.items()
    }
    return {
        "results": {**rows, **groups},
        **({"groups": groups} if groups else {}),
        "group_subtasks": {group: list(r.members) for group, r in results.groups.items()},
        "configs": {task: _config(task, result) for task, result in tasks.items()},
        "versions": {task: _version(result.version) for task, result in tasks.items()},
        "n-shot": {task: result.num_fewshot for task, result in tasks.items()},
        "higher_is_better": {task: _directions(task, result) for task, result in tasks.items()},
        "n-samples": {
            task: {"original": result.origin.n_rows, "effective": result.n}
            for task, result in tasks.items()
        },
        "config": {
            "model": "fastscore",
            "model_args": f"pretrained={results.model.get('path')}",
            "model_num_parameters": results.model.get("n_params", -1),
            "model_dtype": results.model.get("quantisation", ""),
            "model_revision": results.model.get("revision") or "",
            "model_sha": results.model["fingerprint"],
            **{f"{name}_version": version for name, version in results.versions.items()},
            "batch_size": None,
            "batch_sizes": [],
            "device": None,
            "use_cache": None,
            "limit": settings.get("limit"),
            "bootstrap_iters": 0,
            "gen_kwargs": None,
            "fewshot_seed": settings.get("seed"),
            "apply_chat_template": applied,
        },
        "date": started.timestamp(),
        "task_hashes": {},
        "model_source": "fastscore",
        "model_name": name,
        "model_name_sanitized": safe(name),
        "system_instruction": settings.get("system_instruction"),
        "system_instruction_sha": sha(settings.get("system_instruction")),
        "fewshot_as_multiturn": settings.get("fewshot_as_multiturn"),
        # The template is in the model file, and results do not keep it. None would say: not used.
        **({} if applied else {"chat_template": None, "chat_template_sha": None}),
        "total_evaluation_time_seconds": str(results.work.seconds["total"]),
    }


def _row(name: str, n: int, metrics: Mapping[str, MetricValue]) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "alias": name, "sample_len": n}
    for key, value in metrics.items():
        metric, _, filtered = key.partition(",")
        row[key] = None if math.isnan(value.value) else value.value
        row[f"{metric}_stderr,{filtered}"] = "N/A" if math.isnan(value.stderr) else value.stderr
    return row


def _metrics(name: str, task: TaskResult) -> dict[str, MetricValue]:
    """Metrics by lm-eval's keys, ``metric,filter``."""
    filters = _filters(name, task)
    only = filters[0] if len(filters) == 1 else "none"
    found = {}
    for key, value in task.metrics.items():
        metric, _, filtered = key.partition(",")
        of = exported_filter(name, filtered) if filtered else only
        found[f"{exported_metric(name, metric)},{of}"] = value
    return found


def _filters(name: str, task: TaskResult) -> list[str]:
    first = next(iter(task.samples), None)
    ours = first.extracted if isinstance(first, GenerationSample) else ["none"]
    return [exported_filter(name, one) for one in ours]


def _directions(name: str, task: TaskResult) -> dict[str, bool]:
    return {
        exported_metric(name, key.partition(",")[0]): _higher_is_better(key) for key in task.metrics
    }


def _higher_is_better(metric: str) -> bool:
    try:
        return get_metric(metric).higher_is_better
    except UsageError:  # of generated texts: shares of right answers
        return True


def _config(name: str, task: TaskResult) -> dict[str, Any]:
    """What viewers look up of a task: kind, metrics and filters, under the names of its lines."""
    filters = _filters(name, task)
    return {
        "task": name,
        "dataset_path": task.origin.location,
        "num_fewshot": task.num_fewshot,
        "output_type": "multiple_choice" if task.generation is None else "generate_until",
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": higher}
            for metric, higher in _directions(name, task).items()
        ],
        **({"filter_list": [{"name": one} for one in filters]} if filters != ["none"] else {}),
        **({"generation_kwargs": written_sampling(task.generation)} if task.generation else {}),
        "repeats": 1 if task.generation is None else task.generation.n,
        "metadata": {"version": _version(task.version)},
    }


def _version(version: str) -> float | str:
    try:
        return float(version)
    except ValueError:
        return version
