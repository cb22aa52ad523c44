"""What of a run becomes which parameter, metric, tag and table, within MLflow's rules for them.

All plain values. The limits are those of its ``utils/validation.py``.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from fastscore.progress import Progress
from fastscore.results import GroupResult, MetricValue, TaskResult, WorkReport
from fastscore.types import Origin

MAX_NAME = 250
"""Characters of the name of a parameter, metric or tag."""

MAX_PARAM = 6000
MAX_TAG = 8000

MAX_DIGEST = 36
"""Characters of a data set's digest: less than a SHA-256 has."""

MAX_TABLE_BYTES = 4 * 1024 * 1024
"""Of the table of a task's samples, which is for looking at in a browser."""

_CUT = " ... (cut; results.json has all of it)"
_FORBIDDEN = re.compile(r"[^\w.\- /]")
_IN_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:/(.+?)( and \d+ more)?)?")
_ROOM_FOR_SUFFIX = len("_ci95_high") + len("_99")


def clean_name(name: str) -> str:
    """Return a name that MLflow takes: ``pass@1`` is ``pass_at_1``, a comma becomes a point.

    What is allowed are letters, digits and ``_ . - /`` and spaces, and no path that leads elsewhere
    when it is read as one.
    """
    name = _FORBIDDEN.sub("_", name.replace("@", "_at_").replace(",", "."))
    parts = ("_" * len(part) if set(part) <= {"."} else part for part in name.split("/"))
    name = "/".join(part or "_" for part in parts)
    limit = MAX_NAME - _ROOM_FOR_SUFFIX
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return f"{name[: limit - 9]}-{digest}"


def clean_names(names: Iterable[str]) -> dict[str, str]:
    """Return the clean name of each; two that would be the same are told apart by a number."""
    found: dict[str, str] = {}
    for name in names:
        clean, number = clean_name(name), 2
        while clean in found.values():
            clean, number = f"{clean_name(name)}_{number}", number + 1
        found[name] = clean
    return found


def model_params(model: Mapping[str, Any]) -> dict[str, str]:
    """Return a model's facts as parameters."""
    return _params("model", model)


def settings_params(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return how a run was asked for as parameters, and the engine's settings as ``engine.*``."""
    own = {name: value for name, value in settings.items() if name != "engine"}
    return {**_params("settings", own), **_params("engine", settings.get("engine") or {})}


def surroundings_params(
    versions: Mapping[str, Any], machine: Mapping[str, Any], tokenisation: str
) -> dict[str, str]:
    """Return libraries, computer and tokenisation as parameters."""
    return {
        **_params("versions", versions),
        **_params("machine", machine),
        "tokenisation": _shortened(tokenisation, MAX_PARAM),
    }


def task_params(name: str, result: TaskResult) -> dict[str, str]:
    """Return how a task was put to the model."""
    facts: dict[str, Any] = {
        "task": name,
        "num_fewshot": result.num_fewshot,
        "version": result.version,
        "variant": result.variant,
        "truncated": result.truncated,
        "boundary": result.boundary,
    }
    if result.generation is not None:
        summary = result.generation
        facts |= {"samples": summary.n, "max_tokens": summary.max_tokens, "k": list(summary.k)}
    if result.stopping is not None:
        stopping = result.stopping
        facts |= {"until": stopping.rule, "n_total": stopping.n_total, "early": stopping.early}
    return _params("", facts)


def score_metrics(
    scores: Mapping[str, Mapping[str, MetricValue]],
) -> tuple[dict[str, float], dict[str, str]]:
    """Return scores as metrics, and why others are undefined, by the same names.

    ``scores`` are metrics by task or group; the name "" stands for none. Beside each value are
    ``_stderr``, ``_ci95_low`` and ``_ci95_high``. What is not a finite number is left out:
    MLflow's databases hold infinity as the largest number there is.
    """
    names = clean_names(_joined(owner, metric) for owner in scores for metric in scores[owner])
    metrics: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for owner, own in scores.items():
        for metric, value in own.items():
            name = names[_joined(owner, metric)]
            if not math.isfinite(value.value):
                undefined[name] = value.reason or f"the value is {value.value}"
                continue
            numbers = {
                name: value.value,
                f"{name}_stderr": value.stderr,
                f"{name}_ci95_low": value.ci95[0],
                f"{name}_ci95_high": value.ci95[1],
            }
            metrics |= {key: float(x) for key, x in numbers.items() if math.isfinite(x)}
            for part, of_it in (("stderr", (value.stderr,)), ("ci95", value.ci95)):
                if not all(map(math.isfinite, of_it)):
                    undefined[f"{name}_{part}"] = value.reason or f"it is {of_it[0]}"
    return metrics, undefined


def work_metrics(work: WorkReport) -> dict[str, float]:
    """Return what a run cost: seconds, bytes; tokens of choices, of texts, or of both."""
    metrics = {"work/seconds": work.seconds["total"]}
    if work.requests or work.generation is None:
        metrics |= {
            "work/tokens_decoded": float(work.tokens_decoded),
            "work/tokens_naive": float(work.tokens_naive),
            "work/requests": float(work.requests),
            "work/from_store": float(work.from_store),
        }
    if work.generation is not None:
        metrics |= {
            "work/generation/samples": float(work.generation.samples),
            "work/generation/from_store": float(work.generation.from_store),
            "work/generation/tokens_generated": float(work.generation.tokens_generated),
            "work/generation/prompt_tokens_decoded": float(work.generation.prompt_tokens_decoded),
            "work/generation/programs": float(work.generation.programs),
        }
    if work.peak_memory_bytes is not None:
        metrics["work/peak_memory_bytes"] = float(work.peak_memory_bytes)
    return metrics


def progress_metrics(progress: Progress) -> dict[str, float]:
    """Return where a run stands; what nobody knows yet is left out."""
    known = {
        "progress/tokens_done": progress.tokens_done,
        "progress/tokens_per_second": progress.tokens_per_second,
        "progress/seconds_left": progress.seconds_left,
    }
    return {name: float(value) for name, value in known.items() if value is not None}


def notice_tags(result: TaskResult | GroupResult) -> dict[str, str]:
    """Return what a reader of the scores must know, as tags."""
    if isinstance(result, GroupResult) or not result.notices:
        return {}
    return {"fastscore.notices": _shortened("\n".join(result.notices), MAX_TAG)}


def undefined_tags(undefined: Mapping[str, str]) -> dict[str, str]:
    """Return a tag for each score that is undefined: why it is."""
    return {
        clean_name(f"fastscore.undefined.{name}"): _shortened(reason, MAX_TAG)
        for name, reason in undefined.items()
    }


def dataset_of(task: str, origin: Origin) -> dict[str, str]:
    """Return a task's rows as a data set: the arguments of ``mlflow.entities.Dataset``.

    Its digest is the beginning of the SHA-256 of the rows as they are stored, which the profile
    has whole; where that is not known, ``described-`` and a digest of what is. Nothing in it is of
    a single run, since MLflow keeps one data set of a name and digest for an experiment.
    """
    if origin.kind == "hub":
        source_type, source = _hub_source(origin)
    elif origin.kind == "file":
        source_type, source = "local", {"uri": origin.location}
    else:
        source_type, source = "code", {"tags": {"package": origin.location}}
    profile: dict[str, Any] = {"num_rows": origin.n_rows}
    if origin.sha256:
        profile["sha256"] = origin.sha256
    described = json.dumps([source_type, source, profile])
    return {
        "name": task[:500],
        "digest": origin.sha256[:MAX_DIGEST]
        or f"described-{hashlib.sha256(described.encode()).hexdigest()[:16]}",
        "source_type": source_type,
        "source": json.dumps(source),
        "profile": json.dumps(profile),
    }


def sample_table(result: TaskResult, most: int) -> tuple[str, int]:
    """Return a task's first items in the layout of MLflow's tables, and how many these are.

    At most ``most``, and fewer where they would take more than `MAX_TABLE_BYTES`. The columns are
    the fields of ``samples/<task>.jsonl``.
    """
    rows: list[dict[str, Any]] = []
    size = 0
    for sample in islice(iter(result.samples), most):
        row = sample.to_dict()
        size += len(json.dumps(row))
        if size > MAX_TABLE_BYTES:
            break
        rows.append(row)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    data = [[row.get(column) for column in columns] for row in rows]
    return json.dumps({"columns": columns, "data": data}), len(rows)


def _hub_source(origin: Origin) -> tuple[str, dict[str, Any]]:
    """Name the repository where it is one at a revision, and its file where it is a single one.

    Other tools write of the hub "json", or a data set and its configuration.
    """
    named = _IN_REPOSITORY.fullmatch(origin.location)
    if named is None or origin.revision is None:
        return "code", {"tags": {"dataset": origin.location}}
    repository, path, more = named.groups()
    return "hugging_face", {
        "path": repository,
        "data_files": None if more else path,
        "revision": origin.revision,
    }


def _joined(owner: str, metric: str) -> str:
    return f"{owner}/{metric}" if owner else metric


def _params(section: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as texts by name; None, which is a default or unknown, is left out."""
    params: dict[str, str] = {}
    for key, value in values.items():
        name = f"{section}.{key}" if section else key
        if isinstance(value, Mapping):
            params |= _params(name, value)
        elif value is not None:
            params[clean_name(name)] = _shortened(_as_text(value), MAX_PARAM)
    return params


def _as_text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, (list, tuple)) else str(value)


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
