"""The parts of ``results.json`` that are about generated texts; null where there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastscore.results.fields import Fields
from fastscore.results.generation import ExecutionSummary, GenerationSummary
from fastscore.results.generation_sample import END_REASONS, OUTCOMES
from fastscore.types import Sampling


def write_summary(summary: GenerationSummary | None) -> dict[str, Any] | None:
    """Return a task's ``generation``."""
    if summary is None:
        return None
    return {
        "n": summary.n,
        "sampling": asdict(summary.sampling),
        "max_tokens": summary.max_tokens,
        "mean_tokens": None if math.isnan(summary.mean_tokens) else float(summary.mean_tokens),
        "finish_reasons": dict(summary.finish_reasons),
        "k": list(summary.k),
        "none_passed": summary.none_passed,
        "all_passed": summary.all_passed,
        "execution": None if summary.execution is None else write_execution(summary.execution),
    }


def write_execution(execution: ExecutionSummary) -> dict[str, Any]:
    """Return ``execution``."""
    return {
        "sandbox": execution.sandbox,
        "description": execution.description,
        "limits": dict(execution.limits),
        "outcomes": dict(execution.outcomes),
        "near_limit": execution.near_limit,
    }


def read_summary(fields: Fields | None) -> GenerationSummary | None:
    """Read a task's ``generation`` back."""
    if fields is None:
        return None
    k = fields.list("k")
    if not all(type(one) is int and 0 < one < 2**31 for one in k):
        raise fields.wrong("k", "a list of whole numbers of 1 or more")
    return GenerationSummary(
        n=fields.count("n"),
        sampling=_read_sampling(fields.object("sampling")),
        max_tokens=fields.count("max_tokens"),
        mean_tokens=math.nan
        if fields.values.get("mean_tokens", 0) is None
        else fields.seconds("mean_tokens"),
        finish_reasons=_counts(fields.object("finish_reasons"), END_REASONS),
        k=tuple(k),
        none_passed=_share(fields, "none_passed"),
        all_passed=_share(fields, "all_passed"),
        execution=_read_execution(fields.object_or_none("execution")),
    )


def _read_sampling(fields: Fields) -> Sampling:
    return Sampling(
        temperature=fields.seconds("temperature"),
        top_k=fields.count("top_k"),
        top_p=fields.seconds("top_p"),
        min_p=fields.seconds("min_p"),
        repeat_penalty=fields.seconds("repeat_penalty"),
        seed=fields.seed("seed"),
    )


def _read_execution(fields: Fields | None) -> ExecutionSummary | None:
    if fields is None:
        return None
    return ExecutionSummary(
        sandbox=fields.text("sandbox"),
        description=fields.text("description"),
        limits=fields.plain("limits"),
        outcomes=_counts(fields.object("outcomes"), OUTCOMES),
        near_limit=fields.count("near_limit"),
    )


def _counts(fields: Fields, names: Sequence[str]) -> dict[str, int]:
    for name in fields.values:
        if name not in names:
            raise fields.wrong(name, f"no such field; there are {', '.join(names)}")
    return {name: fields.count(name) for name in fields.values}


def _share(fields: Fields, key: str) -> float | None:
    share = fields.number_or_nan(key)
    if not (0 <= share <= 1 or fields.values[key] is None):
        raise fields.wrong(key, "a share from 0 to 1, or null")
    return None if fields.values[key] is None else share
