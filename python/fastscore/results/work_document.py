"""The part of ``results.json`` that says what a run cost."""

from __future__ import annotations

from typing import Any

from fastscore.results.fields import Fields
from fastscore.results.generation import GENERATION_PHASES, GenerationWork
from fastscore.results.values import PHASES, WorkReport


def write_work(work: WorkReport) -> dict[str, Any]:
    """Return ``work``."""
    return {
        "requests": work.requests,
        "from_store": work.from_store,
        "tokens_decoded": work.tokens_decoded,
        "tokens_minimal": work.tokens_minimal,
        "tokens_naive": work.tokens_naive,
        "logit_rows": work.logit_rows,
        "seconds": {phase: float(work.seconds[phase]) for phase in PHASES},
        "peak_memory_bytes": work.peak_memory_bytes,
        "generation": _write_generation(work.generation),
    }


def read_work(fields: Fields) -> WorkReport:
    """Read ``work`` back."""
    seconds = fields.object("seconds")
    return WorkReport(
        requests=fields.count("requests"),
        from_store=fields.count("from_store"),
        tokens_decoded=fields.count("tokens_decoded"),
        tokens_minimal=fields.count("tokens_minimal"),
        tokens_naive=fields.count("tokens_naive"),
        logit_rows=fields.count("logit_rows"),
        seconds={phase: seconds.seconds(phase) for phase in PHASES},
        peak_memory_bytes=fields.count_or_none("peak_memory_bytes"),
        generation=_read_generation(fields.object_if_there("generation")),
    )


def _write_generation(work: GenerationWork | None) -> dict[str, Any] | None:
    if work is None:
        return None
    seconds = {phase: float(work.seconds[phase]) for phase in GENERATION_PHASES}
    return {
        "samples": work.samples,
        "from_store": work.from_store,
        "tokens_generated": work.tokens_generated,
        "prompt_tokens_decoded": work.prompt_tokens_decoded,
        "prompt_tokens_minimal": work.prompt_tokens_minimal,
        "programs": work.programs,
        "seconds": seconds,
    }


def _read_generation(fields: Fields | None) -> GenerationWork | None:
    if fields is None:
        return None
    seconds = fields.object("seconds")
    return GenerationWork(
        samples=fields.count("samples"),
        from_store=fields.count("from_store"),
        tokens_generated=fields.count("tokens_generated"),
        prompt_tokens_decoded=fields.count("prompt_tokens_decoded"),
        prompt_tokens_minimal=fields.count("prompt_tokens_minimal"),
        programs=fields.count("programs"),
        seconds={phase: seconds.seconds(phase) for phase in GENERATION_PHASES},
    )
