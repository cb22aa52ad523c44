"""Runs of the command line that are killed, repeated and doubled, with a real engine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fastscore import Results
from models.fixtures import TinyModel

# `fastscore`, but each step's results are kept at once, and after some steps it stops.
STOPPING = """
import os, signal, sys
from fastscore import reporters
from fastscore.storage import block_store
from fastscore.cli import main

steps = 0

def update(self, progress):
    global steps
    steps += 1
    if steps == {step}:
        {action}

block_store.COMMIT_SECONDS = 0
reporters.QuietReporter.update = update
main()
"""
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
WAIT = "print('waiting', file=sys.stderr, flush=True); sys.stdin.readline()"


@pytest.fixture
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


def start(
    model: Path, output: Path | None, step: int = 0, action: str = "pass"
) -> subprocess.Popen[str]:
    code = STOPPING.format(step=step, action=action)
    command = ["run", str(model), "--tasks", "mini_qa,mini_blank", "--quiet", "--json"]
    engine = ["--threads", "1", "--batch-size", "64"]
    to = [] if output is None else ["--output", str(output)]
    return subprocess.Popen(
        [sys.executable, "-c", code, *command, *engine, *to],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate("\n", timeout=120)
    assert process.returncode == 0, err
    assert err == ""
    document: dict[str, Any] = json.loads(out)
    return document


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_killed_run_goes_on_and_a_finished_one_is_answered_at_once(
    model: Path, tmp_path: Path
) -> None:
    whole = finish(start(model, tmp_path / "whole"))
    output = tmp_path / "killed"
    for step in (7, 5):  # what the first one kept must outlive the second
        process = start(model, output, step, DIE)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
        assert not (output / "results.json").exists()
    resumed = finish(start(model, output))
    assert 0 < resumed["work"]["from_store"] < resumed["work"]["requests"]
    assert resumed["work"]["requests"] == whole["work"]["requests"]
    # Each step had 64 tokens; only what began in the steps before and ended in none is repeated.
    saved = whole["work"]["tokens_decoded"] - resumed["work"]["tokens_decoded"]
    assert saved > 0.8 * (7 + 5) * 64
    ours, theirs = (Results.load(tmp_path / name) for name in ("killed", "whole"))
    for name, task in theirs.tasks.items():
        assert ours.tasks[name].metrics == task.metrics
        for mine, other in zip(ours.tasks[name].samples, task.samples, strict=True):
            assert mine.loglikelihoods == pytest.approx(other.loglikelihoods, rel=1e-5)
            assert mine.is_greedy == other.is_greedy

    again = finish(start(model, output))
    assert again["work"]["from_store"] == again["work"]["requests"]
    assert again["work"]["tokens_decoded"] == again["work"]["logit_rows"] == 0
    assert again["tasks"] == resumed["tasks"]
    assert sorted(path.name for path in output.iterdir()) == [
        ".fastscore", "results.json", "samples",
    ]  # fmt: skip


def test_two_runs_do_not_write_to_one_directory(model: Path, tmp_path: Path) -> None:
    with start(model, tmp_path, 2, WAIT) as first:
        assert first.stderr is not None
        assert first.stderr.readline() == "waiting\n"
        with start(model, tmp_path) as second:
            _, err = second.communicate(timeout=120)
        assert second.returncode == 1
        assert err == (
            f"fastscore: another run is writing to {tmp_path}. Wait until it ends, or choose "
            "another directory.\n"
        )
        done = finish(first)
    again = finish(start(model, tmp_path))
    assert again["tasks"] == done["tasks"]


def test_two_runs_may_share_the_store_in_the_cache(model: Path) -> None:
    with start(model, None, 2, WAIT) as first:
        assert first.stderr is not None
        assert first.stderr.readline() == "waiting\n"
        second = finish(start(model, None))
        assert second["work"]["from_store"] > 0
        assert finish(first)["tasks"] == second["tasks"]
    again = finish(start(model, None))
    assert again["work"]["tokens_decoded"] == 0
