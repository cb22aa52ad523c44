"""The benchmarks that both know: lm-eval's definitions on the engine beside fastscore's own.

Also used by ``benchmarks/lm_eval_conformance.py``, on all rows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lm_eval
from lm_eval_tasks import local_task

from fastscore import Results, evaluate
from fastscore.integrations.lm_eval import FastscoreLM
from fastscore.results import GenerationSample, Sample, TaskResult

sys.path.insert(0, str(Path(__file__).parents[1] / "tasks"))

from conformance_rows import splits_of

# Tasks of which the model writes the answer, and those of them that run what it wrote.
PROGRAMS = ("humaneval", "humaneval_instruct", "mbpp")
WRITTEN = ("gsm8k", "triviaqa", *PROGRAMS)
# Their numbers of shots are their own.
_FIXED = ("humaneval", "humaneval_instruct", "truthfulqa_mc1", "truthfulqa_mc2")
SYSTEM = "Be brief."


@dataclass(frozen=True)
class Asked:
    """A benchmark, and how both sides are asked for it: ``run`` takes names that both have."""

    task: str
    shots: int = 0
    run: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return "-".join([self.task, str(self.shots), *self.run])


CHAT = {"apply_chat_template": True}
SINGLE = {**CHAT, "fewshot_as_multiturn": False}
WITH_SYSTEM = {**CHAT, "system_instruction": SYSTEM}

ASKED = [
    Asked("arc_easy"),
    Asked("arc_easy", 2),
    Asked("arc_challenge", 1),
    Asked("hellaswag"),
    Asked("hellaswag", 2),
    Asked("winogrande"),
    Asked("winogrande", 2),
    Asked("mmlu_anatomy"),
    Asked("mmlu_professional_law", 2),
    Asked("truthfulqa_mc1"),
    Asked("truthfulqa_mc2"),
    Asked("piqa"),
    Asked("piqa", 2),
    Asked("openbookqa"),
    Asked("openbookqa", 2),
    Asked("gsm8k", 2),
    Asked("triviaqa"),
    Asked("triviaqa", 2),
    Asked("humaneval"),
    Asked("humaneval_instruct"),
    Asked("mbpp", 3),
    Asked("arc_easy", 2, WITH_SYSTEM),
    Asked("winogrande", 1, CHAT),
    Asked("mmlu_anatomy", 2, SINGLE),
    Asked("truthfulqa_mc2", 0, CHAT),
    Asked("gsm8k", 2, CHAT),
    Asked("gsm8k", 1, {**SINGLE, "system_instruction": SYSTEM}),
    Asked("humaneval_instruct", 0, CHAT),
    Asked("mbpp", 3, WITH_SYSTEM),
]


class NothingIsRun:
    """In place of the metric that executes programs, which lm-eval loads from the hub."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        return {"pass@1": 0.0}, {}


def run_both(
    asked: Asked,
    lm: FastscoreLM,
    manager: Any,
    data: Path,
    folder: Path,
    limit: int | None,
    max_tokens: int,
) -> tuple[dict[str, Any], TaskResult]:
    """lm-eval's results and fastscore's, on the first ``limit`` rows of the same files."""
    theirs = run_lm_eval(
        asked, lm, manager, data, folder, limit, gen_kwargs={"max_gen_toks": max_tokens}
    )
    at_most = max_tokens if asked.task in WRITTEN else None
    ours = run_fastscore(asked, lm, theirs, data, limit, max_tokens=at_most)[asked.task]
    assert isinstance(ours, TaskResult)
    return theirs, ours


def run_lm_eval(
    asked: Asked,
    lm: FastscoreLM,
    manager: Any,
    data: Path,
    folder: Path,
    limit: int | None,
    **options: Any,
) -> dict[str, Any]:
    """What lm-eval returns; ``options`` are more of its own."""
    found: dict[str, Any] = lm_eval.simple_evaluate(
        model=lm,
        tasks=[local_task(asked.task, splits_of(asked.task, data), folder, manager)],
        num_fewshot=asked.shots,
        limit=limit,
        task_manager=manager,
        confirm_run_unsafe_code=True,  # nothing is run
        bootstrap_iters=0,
        **asked.run,
        **options,
    )
    return found


def run_fastscore(
    asked: Asked,
    lm: FastscoreLM,
    theirs: Mapping[str, Any],
    data: Path,
    limit: int | None,
    **options: Any,
) -> Results:
    """What fastscore makes of the rows that lm-eval's ``theirs`` are about."""
    name, splits = asked.task, splits_of(asked.task, data)
    evaluated, *pool = _split_names(theirs["configs"][name])
    own_shots = name in (*_FIXED, "mbpp")
    return evaluate(
        lm.model,
        name,
        num_fewshot=None if own_shots else asked.shots,
        rows={name: splits[evaluated][:limit]},
        fewshot_rows={name: splits[pool[0]]} if asked.shots and not own_shots else None,
        log_prompts=True,
        resume=False,
        progress=False,
        **asked.run,
        **options,
    )


def _split_names(config: Mapping[str, Any]) -> list[str]:
    """The split that is scored, and the ones that examples may come from, first choice first."""
    scored = config.get("test_split") or config["validation_split"]
    pools = (config.get("fewshot_split"), config.get("training_split"), scored)
    return [scored, *(pool for pool in pools if pool)]


def differences(name: str, theirs: Mapping[str, Any], ours: TaskResult) -> Iterator[str]:
    """What is not the same: prompts, answers and scores of items, and means with their errors."""
    by_doc = {sample.doc_id: sample for sample in ours.samples}
    lines = theirs["samples"][name]
    if {line["doc_id"] for line in lines} != set(by_doc):
        yield f"{name}: other items"
        return
    for line in lines:
        sample = by_doc[line["doc_id"]]
        found = _choices(line, sample) if isinstance(sample, Sample) else _text(line, sample)
        for what, their, our in found:
            if their != our:
                yield f"{name}, item {line['doc_id']}, {what}: {their!r}, fastscore {our!r}"
    if name not in PROGRAMS:
        yield from _means(name, theirs["results"][name], ours)


def _choices(line: dict[str, Any], sample: Sample) -> Iterator[tuple[str, Any, Any]]:
    contexts = tuple(dict.fromkeys(context for context, _ in line["arguments"]))
    assert sample.contexts is not None
    yield "context", contexts, tuple(dict.fromkeys(sample.contexts))
    yield "choices", tuple(text for _, text in line["arguments"]), sample.continuations
    # Both are runs of the engine over the same requests: not even the rounding differs.
    answers = [answer[0] for answer in line["resps"]]
    yield "log-likelihoods", tuple(value for value, _ in answers), sample.loglikelihoods
    yield "greedy", tuple(greedy for _, greedy in answers), sample.is_greedy
    for metric in line["metrics"]:
        yield metric, _rounded(line[metric]), _rounded(sample.scores[metric].value)


def _text(line: dict[str, Any], sample: GenerationSample) -> Iterator[tuple[str, Any, Any]]:
    ((prompt, _),) = line["arguments"]
    yield "prompt", prompt, sample.context
    yield "texts", tuple(line["resps"][0]), sample.outputs
    if line["filter"] in sample.extracted:
        yield line["filter"], line["filtered_resps"], list(sample.extracted[line["filter"]])


def _means(name: str, theirs: Mapping[str, Any], ours: TaskResult) -> Iterator[str]:
    compared = 0
    for ours_name, value in ours.metrics.items():
        metric, _, which = ours_name.partition(",")
        for key, their in theirs.items():
            their_metric, comma, their_filter = key.partition(",")
            if comma and their_metric == metric and which in ("", their_filter):
                stderr = theirs[f"{metric}_stderr,{their_filter}"]
                if _rounded(their) != _rounded(value.value):
                    yield f"{name}, {key}: {their}, fastscore {value.value}"
                if stderr != "N/A" and _rounded(stderr) != _rounded(value.stderr):
                    yield f"{name}, {key}, error: {stderr}, fastscore {value.stderr}"
                compared += 1
    if compared != len(ours.metrics):
        yield f"{name}: {compared} of {len(ours.metrics)} metrics are lm-eval's too"


def _rounded(value: float) -> float:
    """Sums of the same numbers in another order."""
    return round(float(value), 12)
