"""Results of several models on the same items, as if they had been run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from fastscore.results import GroupResult, Results, Sample, TaskResult, WorkReport
from fastscore.types import Item, Likelihood, Origin

METRICS = {"acc": "acc", "acc_norm": "acc_norm"}
WORDS = ("a", "small", "river", "bright", "stone", "walks", "under", "over", "blue", "remain")

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}} $\\frac{$ 模型"
"""A name that would be markup, a formula, a template, and glyphs that no font of plots has."""


def make_item(task: str, doc_id: int, n_choices: int = 4, length: int = 40) -> Item:
    """An item whose texts are drawn by its task and number alone."""
    rng = random.Random(f"{task} {doc_id}")
    choices = tuple(" ".join(rng.choices(WORDS, k=rng.randint(3, 9))) for _ in range(n_choices))
    prompt = " ".join(rng.choices(WORDS, k=length))
    return Item(
        doc_id=doc_id,
        contexts=(f"Question {doc_id} of {task}: {prompt}?\nAnswer:",),
        continuations=tuple(f" {choice}" for choice in choices),
        choices=choices,
        gold=(rng.randrange(n_choices),),
    )


def make_task(
    task: str,
    n: int,
    *,
    skill: float,
    noise: float,
    seed: int,
    log_prompts: bool = False,
    **item: Any,
) -> TaskResult:
    """What a model says: more of the right answer with ``skill``, and its own ``noise``."""
    own = random.Random(f"{seed} {task}")
    samples = []
    for doc_id in range(n):
        drawn = make_item(task, doc_id, **item)
        shared = random.Random(f"shared {task} {doc_id}")
        said = [
            Likelihood(
                shared.gauss(-20, 2) + own.gauss(0, noise) + (skill if i in drawn.gold else 0),
                False,
                5,
            )
            for i in range(len(drawn.continuations))
        ]
        samples.append(Sample.score(drawn, said, METRICS, log_prompts=log_prompts))
    return TaskResult.from_samples(
        samples,
        METRICS,
        num_fewshot=0,
        version="1.0",
        origin=Origin("file", f"data/{task}.jsonl", "ab" * 32, n),
    )


def make_results(
    name: str,
    tasks: Mapping[str, int],
    *,
    skill: float = 1.5,
    noise: float = 0.3,
    seed: int = 0,
    megabytes: float = 100,
    groups: Mapping[str, tuple[str, ...]] | None = None,
    **options: Any,
) -> Results:
    """A run of one model; ``tasks`` are numbers of items by name, ``groups`` names of tasks."""
    scored = {
        task: make_task(task, n, skill=skill, noise=noise, seed=seed, **options)
        for task, n in tasks.items()
    }
    pooled = {
        group: GroupResult.from_tasks(members, {m: scored[m] for m in members}, METRICS)
        for group, members in (groups or {}).items()
    }
    n = sum(tasks.values())
    return Results(
        tasks=scored,
        groups=pooled,
        model={
            "fingerprint": f"{seed:064x}",
            "path": f"models/{name}.gguf",
            "name": "A small model",
            "quantisation": name,
            "n_params": 134_515_008,
            "file_bytes": int(megabytes * 1e6),
            "weights_bytes": int(megabytes * 0.98e6),
        },
        settings={"limit": None, "seed": 1234, "engine": {"n_threads": 2, "n_batch": 128}},
        tokenisation="the model file's own tokenizer; no BOS in front",
        versions={"fastscore": "0.1.0", "llama-cpp-python": "0.3.36"},
        machine={"cpu": "a processor", "n_cores": 2, "memory_bytes": None},
        work=WorkReport(
            requests=4 * n,
            from_store=0,
            tokens_decoded=60 * n,
            tokens_minimal=60 * n,
            tokens_naive=200 * n,
            logit_rows=20 * n,
            seconds={
                "tokenise": 0.1,
                "plan": 0.1,
                "decode": 60 * n / (200 + megabytes),
                "log_softmax": 0.2,
                "rest": 0.1,
                "total": 60 * n / (200 + megabytes) + 0.5,
            },
            peak_memory_bytes=300_000_000 + int(megabytes * 1e6),
        ),
        date="2026-01-31T12:00:00+00:00",
    )
