"""Runs with generated texts that are stopped, killed and repeated go on sample by sample."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel, echo
from fake_run import score, task_of
from fastscore.tasks import GenerationTask, OpenQuestion

N = 30
WARM = {"n": 3, "temperature": 0.8}
ROWS = {"rows": {"open": [{"x": i} for i in range(N)]}}


def question(row: Any) -> OpenQuestion:
    return OpenQuestion(f"number {row['x']}", "", gold=echo(f"number {row['x']}", 0))


TASK = GenerationTask("open", question)


def write(model: FakeModel, **options: Any) -> Any:
    return score(model, TASK, **{**WARM, **ROWS, **options})


@pytest.mark.parametrize("with_output", [False, True])
def test_a_stopped_run_goes_on_sample_by_sample(tmp_path: Path, with_output: bool) -> None:
    output = tmp_path / "out" if with_output else None
    stopped = FakeModel(stop_after=25)  # in the middle of a problem's three
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        write(stopped, output=output)
    rest = FakeModel()
    resumed = write(rest, output=output)
    assert stopped.n_written + rest.n_written == 3 * N
    assert resumed.work.generation.from_store == stopped.n_written
    fresh = write(FakeModel(), resume=False)
    assert resumed.tasks == fresh.tasks
    assert list(task_of(resumed, "open").samples) == list(task_of(fresh, "open").samples)


def test_a_finished_run_asked_again_writes_nothing() -> None:
    first = write(FakeModel())
    model = FakeModel()
    again = write(model)
    assert model.n_written == 0
    assert again.work.generation.tokens_generated == 0
    assert again.work.generation.from_store == again.work.generation.samples == 3 * N
    assert again.tasks == first.tasks
    assert "90 of 90 texts came from the store" in str(again)


@pytest.mark.parametrize(
    ("options", "n_new"),
    [
        ({}, 0),
        ({"n": 5}, 2 * N),  # only the two more of each
        ({"n": 2}, 0),
        ({"limit": 4}, 0),
        ({"resume": False}, 3 * N),
        ({"seed": 5}, 3 * N),
        ({"temperature": 0.9}, 3 * N),
        ({"max_tokens": 99}, 3 * N),
        ({"top_p": 0.5}, 3 * N),
    ],
)
def test_what_is_asked_decides_what_is_new(options: dict[str, Any], n_new: int) -> None:
    write(FakeModel())
    model = FakeModel()
    write(model, **options)
    assert model.n_written == n_new


def test_another_model_finds_nothing() -> None:
    write(FakeModel())
    model = FakeModel(fingerprint="other")
    write(model)
    assert model.n_written == 3 * N


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_killed_run_loses_the_samples_under_way_only(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:0] = {[str(p) for p in Path(__file__).parents[:2]]!r}
        from fake_model import FakeModel
        from fastscore.storage import block_store
        from test_resuming_texts import write

        block_store.COMMIT_SECONDS = 0
        model = FakeModel()

        def watch(progress):
            if model.n_written >= 40:
                os.kill(os.getpid(), signal.SIGKILL)

        write(model, output={str(tmp_path)!r}, progress=watch)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "results.json").exists()
    model = FakeModel()
    results = write(model, output=tmp_path)
    assert model.n_written == 3 * N - 40
    assert results.tasks == write(FakeModel(), resume=False).tasks


def test_a_store_that_cannot_be_kept_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTSCORE_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = write(FakeModel())
    assert results["open"].n == N
    assert len(caplog.messages) == 1
    assert "resuming" in caplog.messages[0]
