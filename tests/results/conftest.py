"""Results as a run would make them, from likelihoods drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fastscore.metrics import Score
from fastscore.results import (
    ExecutionSummary,
    GenerationSample,
    GenerationSummary,
    GenerationWork,
    GroupResult,
    MetricValue,
    Results,
    Sample,
    TaskResult,
    WorkReport,
)
from fastscore.types import FinishReason, Item, Likelihood, Origin, Sampling

BOTH = {"acc": "acc", "acc_norm": "acc_norm"}
ORIGIN = Origin("file", "data/arc/ARC-Easy-Test.jsonl", "ab" * 32, 2376)

WORK = WorkReport(
    requests=9501,
    from_store=0,
    tokens_decoded=105_345,
    tokens_minimal=104_900,
    tokens_naive=842_760,
    logit_rows=41_234,
    seconds={
        "tokenise": 0.4,
        "plan": 0.1,
        "decode": 301.25,
        "log_softmax": 3.5,
        "rest": 1.1,
        "total": 306.35,
    },
    peak_memory_bytes=612_000_000,
)


def make_samples(
    n: int, metrics: Mapping[str, str], *, log_prompts: bool = False, seed: int = 0
) -> list[Sample]:
    """Four-choice items of which the model gets some right; some choices are impossible."""
    rng = random.Random(seed)
    samples = []
    for doc_id in range(n):
        choices = tuple("answer" + "s" * rng.randrange(20) for _ in range(4))
        item = Item(
            doc_id=doc_id,
            contexts=(f"Question {doc_id}: Größe?\u2028\nAnswer:",)
            if doc_id % 2
            else tuple(f"Context {i}" for i in range(4)),
            continuations=tuple(f" {choice}" for choice in choices),
            choices=choices,
            gold=(rng.randrange(4),) if doc_id % 3 else (0, 2),
        )
        said = [Likelihood(rng.gauss(-30, 9), rng.random() < 0.1, 5) for _ in choices]
        if doc_id % 7 == 6:
            said[doc_id % 4] = Likelihood(-math.inf, False, 5)
        samples.append(Sample.score(item, said, metrics, log_prompts=log_prompts))
    return samples


GENERATION_WORK = GenerationWork(
    samples=36,
    from_store=6,
    tokens_generated=4321,
    prompt_tokens_decoded=1500,
    prompt_tokens_minimal=1500,
    programs=24,
    seconds={"prefill": 1.5, "decode": 40.0, "sample": 3.25, "execute": 6.0},
)


def make_code_samples(n_problems: int = 8, n: int = 3) -> list[GenerationSample]:
    """Problem i has i of its samples right, as far as there are so many."""
    samples = []
    for doc_id in range(n_problems):
        c = min(doc_id, n)
        ended: tuple[FinishReason, ...] = ("stop", "eos", "length")
        outputs = tuple(f"    return {i}  # \u00e9\u2028\U0001f600" * (i % 2) for i in range(n))
        samples.append(
            GenerationSample(
                doc_id=doc_id,
                gold="assert f() == 1",
                outputs=outputs,
                finish_reasons=tuple(ended[i % 3] for i in range(n)),
                extracted={"none": outputs},
                scores={"pass@1": Score(c / n)},
                outcomes=("passed",) * c + ("failed",) * (n - c),
                details=("",) * c + ("NameError: x",) * (n - c),
                context="def f():\n" if doc_id % 2 else None,
            )
        )
    return samples


def make_code_task(*, ran: bool = True) -> TaskResult:
    """A task of programs: run, or only written."""
    samples = make_code_samples()
    metric = MetricValue(0.75, 0.12, (0.4, 0.95))
    execution = ExecutionSummary(
        "strong", "namespaces and seccomp", {"cpu_seconds": 3.0}, {"passed": 18, "failed": 6}, 2
    )
    if not ran:
        reason = "the programs were not run"
        metric = MetricValue(math.nan, math.nan, (math.nan, math.nan), reason)
        unknown = {"pass@1": Score(math.nan, reason)}
        samples = [replace(s, scores=unknown, outcomes=None, details=None) for s in samples]
    return TaskResult(
        metrics={"pass@1": metric},
        n=len(samples),
        num_fewshot=0,
        version="1.0",
        variant=None,
        notices=(),
        origin=ORIGIN,
        fewshot_origin=None,
        truncated=0,
        boundary=0,
        samples=samples,
        generation=GenerationSummary(
            n=3,
            sampling=Sampling(temperature=0.8, top_p=0.95, seed=7),
            max_tokens=512,
            mean_tokens=120.5,
            finish_reasons={"stop": 8, "eos": 8, "length": 8},
            k=(1,),
            none_passed=0.125 if ran else None,
            all_passed=0.625 if ran else None,
            execution=execution if ran else None,
        ),
    )


def make_qa_task() -> TaskResult:
    """A task of texts that are compared with references."""
    samples = [
        GenerationSample(
            doc_id=i,
            gold=("yes", "yeah"),
            outputs=("yes" if i % 2 else "",),
            finish_reasons=("stop",),
            extracted={"strict": ("[invalid]",), "flexible": ("yes",)},
            scores={"exact_match,strict": Score(0.0), "exact_match,flexible": Score(float(i % 2))},
        )
        for i in range(6)
    ]
    return replace(
        make_code_task(),
        metrics={
            "exact_match,strict": MetricValue(0.0, 0.0, (0.0, 0.4)),
            "exact_match,flexible": MetricValue(0.5, 0.2, (0.2, 0.8)),
        },
        n=6,
        samples=samples,
        generation=GenerationSummary(1, Sampling(), 256, 3.0, {"stop": 6, "eos": 0, "length": 0}),
    )


def make_task(
    n: int = 30,
    metrics: Mapping[str, str] = BOTH,
    *,
    samples: Sequence[Sample] | None = None,
    **fields: Any,
) -> TaskResult:
    fields = {"num_fewshot": 0, "version": "1.0", "origin": ORIGIN, **fields}
    if samples is None:
        samples = make_samples(n, metrics, seed=n)
    return TaskResult.from_samples(samples, metrics, **fields)


def make_results(
    tasks: Mapping[str, TaskResult],
    groups: Mapping[str, GroupResult] | None = None,
    **fields: Any,
) -> Results:
    fields = {
        "model": {
            "fingerprint": "sha256:" + "12" * 32,
            "path": "models/SmolLM2-135M-Instruct.Q4_1.gguf",
            "name": "SmolLM2-135M-Instruct",
            "quantisation": "Q4_1",
        },
        "settings": {"limit": None, "seed": 1234, "engine": {"n_ctx": 2048}},
        "tokenisation": "llama.cpp's tokenizer of the model, no BOS",
        "versions": {"fastscore": "0.1.0", "llama_cpp_python": "0.3.36"},
        "machine": {"cpu": "a processor", "n_cores": 2, "memory_bytes": None},
        "work": WORK,
        "date": "2026-01-31T12:00:00+00:00",
        **fields,
    }
    return Results(tasks=tasks, groups=groups or {}, **fields)


def make_mmlu() -> Results:
    """57 subjects in four groups, and the group of these groups."""
    acc = {"acc": "acc"}
    sizes = {"humanities": 13, "other": 13, "social_sciences": 12, "stem": 19}
    tasks, groups = {}, {}
    for area, size in sizes.items():
        subjects = {f"mmlu_{area}_{i}": make_task(20 + i, acc, num_fewshot=5) for i in range(size)}
        tasks |= subjects
        groups[f"mmlu_{area}"] = GroupResult.from_tasks(list(subjects), subjects, acc)
    whole = {"mmlu": GroupResult.from_tasks(list(groups), tasks, acc)}
    return make_results(tasks, whole | groups)


@pytest.fixture
def samples_of() -> Callable[..., list[Sample]]:
    return make_samples


@pytest.fixture
def task_of() -> Callable[..., TaskResult]:
    return make_task


@pytest.fixture
def results_of() -> Callable[..., Results]:
    return make_results


@pytest.fixture
def mmlu() -> Results:
    return make_mmlu()


@pytest.fixture
def rich_results() -> Results:
    """A little of everything that a results file can hold."""
    acc, both = {"acc": "acc"}, BOTH
    shots = Origin("hub", "owner/repo/train.parquet", "cd" * 32, 99, "f00" * 13, ("A subset.",))
    tasks = {
        "arc_easy": make_task(30, both, truncated=3, notices=("A word got lost.",)),
        "hellaswag": make_task(
            40,
            both,
            num_fewshot=10,
            variant="shared shots: not lm-eval's per item",
            fewshot_origin=shots,
        ),
        "truthfulqa_mc2": make_task(12, {"acc": "mc2"}, version="3.0", boundary=2),
        "one/item": make_task(1, both, samples=make_samples(1, both, log_prompts=True)),
        "prompts": make_task(9, acc, samples=make_samples(9, acc, log_prompts=True)),
        "code": make_code_task(),
        "code_not_run": make_code_task(ran=False),
        "open_qa": make_qa_task(),
    }
    pair = {name: tasks[name] for name in ("arc_easy", "hellaswag")}
    return make_results(
        tasks,
        {"pair": GroupResult.from_tasks(list(pair), pair, both)},
        settings={"limit": 40, "engine": {"devices": ["CPU"]}},
        work=replace(WORK, from_store=500, peak_memory_bytes=None, generation=GENERATION_WORK),
    )
