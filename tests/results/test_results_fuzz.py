"""Damaged and invented results: refused with a ResultsError, or read as something usable."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastscore.errors import ResultsError
from fastscore.results import Results, TaskResult

SECONDS = float(os.environ.get("FASTSCORE_FUZZ_SECONDS", "10"))
LEAST = 60  # files, however slow the machine: both outcomes are among the first dozens

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1e308, -0.5, "", "x", "-inf", "\x1b[2J", "\ud800", [], {},
    [0, 1], ["a"], {"a": 1}, [[[]]], {"": {"": {}}}, "samples/../x", "2026-01-31T12:00:00+00:00",
)  # fmt: skip


def mutate_bytes(rng: random.Random, text: bytes) -> bytes:
    """Flip, cut, double and insert, anywhere."""
    for _ in range(rng.randint(1, 4)):
        i, j = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        j = min(j, i + rng.choice((1, 8, 200)))
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:i] + bytes([rng.randrange(256)]) + text[i + 1 :]
        elif kind == 1:
            text = text[:i] + text[j:]
        elif kind == 2:
            text = text[:j] + text[i:]
        else:
            text = text[:i] + rng.choice((b"null", b"{", b"]", b'"', b"1e999", b"NaN")) + text[j:]
    return text


def mutate_values(rng: random.Random, document: Any) -> Any:
    """Replace, drop or rename values anywhere in a JSON document."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        node = document
        while node:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            key = rng.choice(keys)
            if isinstance(node[key], (dict, list)) and node[key] and rng.random() < 0.85:
                node = node[key]
                continue
            if rng.random() < 0.2:
                del node[key]
            elif isinstance(node, dict) and rng.random() < 0.2:
                node[rng.choice(("", "acc", "gold", "\x1b", *keys))] = node.pop(key)
            else:
                node[key] = copy.deepcopy(rng.choice(JUNK))
            break
    return document


def dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def use_everything(results: Results, directory: Path) -> None:
    """Do with results what a program would, once they were accepted."""
    json.dumps(results.to_dict(), allow_nan=False)
    for verbose in (True, False):
        assert "\x1b" not in results.table(verbose=verbose, width=80)
    assert results._repr_html_()
    results.save(directory)
    assert Results.load(directory).to_dict() == results.to_dict()


@pytest.fixture
def saved(
    task_of: Callable[..., TaskResult],
    results_of: Callable[..., Results],
    rich_results: Results,
    tmp_path: Path,
) -> Path:
    tasks = {name: rich_results.tasks[name] for name in ("arc_easy", "hellaswag")}
    tasks |= {name: rich_results.tasks[name] for name in ("prompts", "code", "open_qa")}
    results_of(tasks, rich_results.groups).save(tmp_path / "out")
    return tmp_path / "out"


def test_damaged_results_never_end_in_a_traceback(saved: Path, tmp_path: Path) -> None:
    rng = random.Random(1234)
    path = saved / "results.json"
    whole = path.read_bytes()
    document = json.loads(whole)
    outcomes = {"refused": 0, "accepted": 0}
    end = time.monotonic() + SECONDS / 2
    while time.monotonic() < end or sum(outcomes.values()) < LEAST:
        damaged = (
            mutate_bytes(rng, whole) if rng.random() < 0.3 else dumped(mutate_values(rng, document))
        )
        path.write_bytes(damaged)
        try:
            use_everything(Results.load(saved), tmp_path / "again")
        except ResultsError:
            outcomes["refused"] += 1
        else:
            outcomes["accepted"] += 1
    # Both kinds must come up, or this test looks at one of them only.
    assert min(outcomes.values()) > 0, outcomes


@pytest.mark.parametrize("task", ["prompts", "code", "open_qa"])
def test_damaged_samples_never_end_in_a_traceback(saved: Path, tmp_path: Path, task: str) -> None:
    rng = random.Random(4321)
    results_path, path = saved / "results.json", saved / "samples" / f"{task}.jsonl"
    document = json.loads(results_path.read_bytes())
    lines = path.read_bytes().splitlines(keepends=True)
    reference = document["tasks"][task]["samples"]
    outcomes = {"refused": 0, "accepted": 0}
    end = time.monotonic() + SECONDS / 6
    while time.monotonic() < end or sum(outcomes.values()) < LEAST:
        i = rng.randrange(len(lines))
        damaged = (
            mutate_bytes(rng, lines[i])
            if rng.random() < 0.3
            else dumped(mutate_values(rng, json.loads(lines[i]))) + b"\n"
        )
        content = b"".join([*lines[:i], damaged, *lines[i + 1 :]])
        path.write_bytes(content)
        # As a forger would: number and hash fit, so that the content itself is looked at.
        reference["sha256"] = hashlib.sha256(content).hexdigest()
        reference["lines"] = document["tasks"][task]["n"] = content.count(b"\n")
        results_path.write_bytes(dumped(document))
        try:
            loaded = Results.load(saved)
            for sample in loaded.tasks[task].samples:
                json.loads(sample.to_line())
            loaded.save(tmp_path / "again")
        except ResultsError:
            outcomes["refused"] += 1
        else:
            outcomes["accepted"] += 1
    assert min(outcomes.values()) > 0, outcomes
