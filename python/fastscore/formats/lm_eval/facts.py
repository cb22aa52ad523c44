"""What lm-eval's ``results_<date>.json`` says of a run as a whole: model, settings, time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from fastscore.results import TaskResult, WorkReport
from fastscore.results.fields import Fields
from fastscore.results.values import PHASES


def model_of(document: Fields) -> dict[str, Any]:
    """Return the model by fastscore's names, with a digest of its name if it has no other."""
    config = config_of(document)
    name = str(document.values.get("model_name") or config.get("model") or "model")
    known = json.dumps([name, config.get("model_args")], sort_keys=True, default=str)
    return {
        "fingerprint": str(config.get("model_sha") or hashlib.sha256(known.encode()).hexdigest()),
        "path": name,
        "name": name,
        "quantisation": str(config.get("model_dtype") or ""),
        "backend": str(config.get("model")),
    }


def settings_of(document: Fields, tasks: list[str]) -> dict[str, Any]:
    """Return how lm-eval was asked for these tasks."""
    config = config_of(document)
    limit = config.get("limit")
    return {
        "tasks": tasks,
        "source": "lm-eval",
        "limit": int(limit) if isinstance(limit, float) and limit.is_integer() else limit,
        "seed": config.get("fewshot_seed"),
        "fewshot": "lm-eval",
        "apply_chat_template": bool(
            document.values.get("chat_template") or config.get("apply_chat_template")
        ),
        "fewshot_as_multiturn": bool(document.values.get("fewshot_as_multiturn")),
        "system_instruction": document.values.get("system_instruction"),
    }


def work_of(document: Fields, tasks: Mapping[str, TaskResult]) -> WorkReport:
    """Only the time is known, and how many items there were."""
    try:
        total = float(document.values.get("total_evaluation_time_seconds") or 0)
    except (TypeError, ValueError):
        total = 0.0
    return WorkReport(
        requests=sum(
            len(sample.loglikelihoods)
            for task in tasks.values()
            for sample in task.samples
            if hasattr(sample, "loglikelihoods")
        ),
        from_store=0,
        tokens_decoded=0,
        tokens_minimal=0,
        tokens_naive=0,
        logit_rows=0,
        seconds={**dict.fromkeys(PHASES, 0.0), "rest": total, "total": total},
        peak_memory_bytes=None,
    )


def date_of(document: Fields) -> str:
    """Return when the run began, ISO 8601 in UTC; ResultsError where the file does not say."""
    stamp = document.values.get("date")
    if not isinstance(stamp, (int, float)) or not 0 <= stamp < 2**33:
        raise document.wrong("date", "a time in seconds since 1970")
    return datetime.fromtimestamp(stamp, tz=timezone.utc).isoformat(timespec="seconds")


def config_of(document: Fields) -> dict[str, Any]:
    """Return how lm-eval was called."""
    config = document.values.get("config")
    return config if isinstance(config, dict) else {}
