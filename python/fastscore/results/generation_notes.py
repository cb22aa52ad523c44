"""What a reader must know of generated texts to take their scores for what they are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from fastscore.generation_settings import describe_sampling
from fastscore.results.generation import ExecutionSummary, GenerationSummary, GenerationWork
from fastscore.sizes import counted

MANY_CUT = 0.05
"""Share of texts cut at their limit from which the score suffers."""


def generation_notes(summary: GenerationSummary) -> Iterator[str]:
    """Yield sentences about the texts of one task, without their full stops."""
    tokens = (
        ""
        if math.isnan(summary.mean_tokens)
        else f"; {summary.mean_tokens:,.1f} tokens a sample on average"
    )
    yield f"{counted(summary.n, 'sample')} a problem, {describe_sampling(summary.sampling)}{tokens}"
    n_texts = sum(summary.finish_reasons.values())
    n_cut = summary.finish_reasons.get("length", 0)
    if n_texts and n_cut / n_texts >= MANY_CUT:
        yield (
            f"{n_cut:,} of {counted(n_texts, 'sample')} {'was' if n_cut == 1 else 'were'} cut at "
            f"{counted(summary.max_tokens, 'token')}, unfinished; more room "
            "(--max-tokens, max_tokens) may raise the score"
        )
    if summary.none_passed is not None and summary.all_passed is not None:
        yield passed_note(summary.none_passed, summary.all_passed)
    if summary.execution is not None:
        yield from execution_notes(summary.execution)


def passed_note(none_passed: float, all_passed: float) -> str:
    """Say for how many problems there is nothing to tell apart."""
    return (
        f"no sample passed (c = 0) for {none_passed:.1%} of the problems, all passed (c = n) for "
        f"{all_passed:.1%}"
    )


def execution_notes(execution: ExecutionSummary) -> Iterator[str]:
    """Yield sentences about how programs were run, without their full stops."""
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in execution.outcomes.items())
    yield f"programs ran in the {execution.sandbox} sandbox ({execution.description}): {outcomes}"
    if execution.near_limit:
        seconds = execution.limits.get("cpu_seconds")
        limit = f" of {seconds:g} s" if isinstance(seconds, (int, float)) else ""
        yield (
            f"{counted(execution.near_limit, 'program')} came near the limit{limit} of CPU time, "
            "where another machine might judge otherwise; --timeout raises it"
        )


def generation_work(work: GenerationWork) -> Iterator[str]:
    """Yield the parts of the line about the work of a run."""
    if work.from_store:
        yield f"{work.from_store:,} of {work.samples:,} texts came from the store"
    if work.samples > work.from_store:
        writing = work.seconds["decode"] + work.seconds["sample"]
        # The first token of a text comes of reading its prompt, whose time is not counted here.
        n_after_first = work.tokens_generated - (work.samples - work.from_store)
        timed = writing > 0 and n_after_first > 0
        speed = f" at {n_after_first / writing:,.0f} tokens/s" if timed else ""
        yield (
            f"wrote {counted(work.tokens_generated, 'token')}{speed} after "
            f"{counted(work.prompt_tokens_decoded, 'token')} of prompts"
        )
    if work.programs:
        yield f"ran {counted(work.programs, 'program')} in {work.seconds['execute']:,.1f} s"
