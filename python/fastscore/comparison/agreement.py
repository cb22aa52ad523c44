"""What two runs do not have in common: what forbids a comparison, and what a reader must know.

The items decide: where prompts, choices and gold are the same, word for word, it does not matter
which options or files they came from. Where they are not, the options that differ say why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastscore.comparison.pairing import Pairing
from fastscore.results import Results, TaskResult

_PROMPT_SETTINGS = (
    "seed",
    "fewshot",
    "apply_chat_template",
    "fewshot_as_multiturn",
    "system_instruction",
)
_ENGINE_SETTINGS = {
    "exact": "the precision of attention and KV cache (exact)",
    "n_gpu_layers": "the layers on the GPU (n_gpu_layers)",
    "backends": "the backends of llama.cpp",
    "tokenizer": "the tokenizer",
    "rope_factors": "the rotary factors",
    "weights": "what the weights are computed with (weights)",
}
"""What may change a log-likelihood beyond the ids of its tokens."""


def prompt_differences(
    base: Results, candidate: Results, one: TaskResult, other: TaskResult
) -> list[str]:
    """List what may have made the prompts of a task different, with both values."""
    found = []
    if one.num_fewshot != other.num_fewshot:
        found.append(_versus("num_fewshot", one.num_fewshot, other.num_fewshot))
    for name in _PROMPT_SETTINGS:
        values = base.settings.get(name), candidate.settings.get(name)
        if values[0] != values[1] and _matters(name, one, other, base, candidate):
            found.append(_versus(name, *values))
    if one.variant != other.variant:
        found.append(_versus("variant", one.variant, other.variant))
    if one.origin.sha256 != other.origin.sha256:
        found.append(_versus("rows", _rows(one), _rows(other)))
    if one.fewshot_origin != other.fewshot_origin:
        shots = one.fewshot_origin, other.fewshot_origin
        if len({origin and origin.sha256 for origin in shots}) > 1:
            named = [origin and origin.location for origin in shots]
            found.append(_versus("rows of examples", *named))
    return found


def task_refusals(base: Results, candidate: Results, task: str, pairing: Pairing) -> Iterator[str]:
    """Yield why the scores of a task are not about the same thing."""
    one, other = base.tasks[task], candidate.tasks[task]
    if (one.generation is None) != (other.generation is None):
        yield "one run chose among given answers, the other wrote texts"
        return
    if one.version != other.version:
        yield _versus("another version of the task", one.version, other.version)
    if one.generation is not None and other.generation is not None:
        yield from _sampling_refusals(one, other)
    reasons = prompt_differences(base, candidate, one, other)
    why = f" ({'; '.join(reasons)})" if reasons else ""
    if not pairing.pairs:
        if pairing.n_other:
            yield f"none of {pairing.n_other:,} items has the same prompt and answers in both{why}"
        elif not _stopped_early(one, other):  # which may have drawn nothing of this task
            yield f"the runs have no item in common{why}"
    elif pairing.check == "place" and reasons:
        yield (
            f"the prompts are not the same{why}; results of an older fastscore say too little of "
            "their items to compare them in spite of that"
        )


def task_warnings(base: Results, candidate: Results, task: str, pairing: Pairing) -> Iterator[str]:
    """Yield what a reader must know of the items that are compared."""
    one, other = base.tasks[task], candidate.tasks[task]
    n = len(pairing.pairs)
    if pairing.n_other:
        reasons = prompt_differences(base, candidate, one, other)
        why = f" ({'; '.join(reasons)})" if reasons else ""
        yield (
            f"{pairing.n_other:,} items that have other prompts or answers in the two runs are "
            f"left out{why}"
        )
    missing = n + pairing.n_other < max(pairing.n_base, pairing.n_candidate)
    if missing and not _stopped_early(one, other):
        yield (
            f"compared on the {n:,} items that both runs have, of {pairing.n_base:,} in the base "
            f"and {pairing.n_candidate:,}"
        )
    if pairing.check == "place":
        yield (
            "whether both were asked the same could not be checked, because results of an older "
            "fastscore do not name their items; paired by row, answer and number of choices"
        )
    elif pairing.check == "question":
        yield "the prompts differ: each model has its own chat template"
    if one.truncated != other.truncated:
        yield (
            f"contexts were cut to fit the window in {one.truncated:,} requests of the base and "
            f"{other.truncated:,}"
        )
    if one.generation is not None and other.generation is not None:
        if one.generation.n != other.generation.n:
            yield _versus("samples of each problem", one.generation.n, other.generation.n)
        ran = one.generation.execution, other.generation.execution
        levels = [run and (run.sandbox, dict(run.limits)) for run in ran]
        if None not in levels and levels[0] != levels[1]:
            yield _versus("programs ran under other limits", *levels)


def run_warnings(base: Results, candidate: Results) -> Iterator[str]:
    """Yield what differs between the runs as wholes."""
    if base.model.get("fingerprint") == candidate.model.get("fingerprint"):
        yield "the same model file as the base"
    if base.tokenisation != candidate.tokenisation:
        yield _versus("another tokenisation", base.tokenisation, candidate.tokenisation)
    engines = base.settings.get("engine"), candidate.settings.get("engine")
    if isinstance(engines[0], dict) and isinstance(engines[1], dict):
        for name, words in _ENGINE_SETTINGS.items():
            values = engines[0].get(name), engines[1].get(name)
            if values[0] != values[1]:
                yield _versus(f"{words} differs", *values)
    if base.versions.keys() & candidate.versions.keys():
        for name in dict.fromkeys([*base.versions, *candidate.versions]):
            versions = [one.versions.get(name) or "not known" for one in (base, candidate)]
            if versions[0] != versions[1]:
                yield _versus(f"another version of {name}", *versions)
    else:
        yield _versus("scored by another program", _programs(base), _programs(candidate))
    machines = base.machine.get("cpu"), candidate.machine.get("cpu")
    if None not in machines and machines[0] != machines[1]:  # lm-eval's files do not say it
        yield _versus("made on another machine", *machines)


def same_rows(base: Results, candidate: Results, task: str) -> bool:
    """Say whether two runs asked the same of a task's rows, each in its model's chat template."""
    if base.settings.get("apply_chat_template") is not True:
        return False
    return not prompt_differences(base, candidate, base.tasks[task], candidate.tasks[task])


def _matters(
    name: str, one: TaskResult, other: TaskResult, base: Results, candidate: Results
) -> bool:
    """Say whether a setting can have changed prompts: examples are drawn only where there are."""
    if name in ("seed", "fewshot"):
        return one.num_fewshot > 0 or other.num_fewshot > 0
    if name == "fewshot_as_multiturn":
        chat = (
            base.settings.get("apply_chat_template"),
            candidate.settings.get("apply_chat_template"),
        )
        return any(chat) and (one.num_fewshot > 0 or other.num_fewshot > 0)
    return True


def _sampling_refusals(one: TaskResult, other: TaskResult) -> Iterator[str]:
    assert one.generation is not None
    assert other.generation is not None
    pairs: list[tuple[str, Any, Any]] = [
        (name, getattr(one.generation.sampling, name), getattr(other.generation.sampling, name))
        for name in ("temperature", "top_k", "top_p", "min_p", "repeat_penalty")
    ]
    pairs.append(("max_tokens", one.generation.max_tokens, other.generation.max_tokens))
    for name, mine, theirs in pairs:
        if mine != theirs:
            yield _versus(f"texts were written with another {name}", mine, theirs)


def _stopped_early(one: TaskResult, other: TaskResult) -> bool:
    return any(task.stopping is not None and task.stopping.early for task in (one, other))


def _versus(what: str, base: object, candidate: object) -> str:
    return f"{what}: {base} in the base, {candidate} here"


def _programs(results: Results) -> str:
    """Name the program that scored, which is the first of the versions that it wrote down."""
    return " ".join(next(iter(results.versions.items()), ("one that is not known",)))


def _rows(task: TaskResult) -> str:
    return f"{task.origin.location} (sha256 {task.origin.sha256[:8]})"
