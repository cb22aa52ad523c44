"""Stopped, killed and repeated runs, and those cut into chunks, end as whole ones do."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fake_model import FakeModel
from fake_run import MINI, score, task_of
from fastscore.errors import DataError
from fastscore.evaluation import preparation
from fastscore.progress import Progress
from fastscore.tasks import get_task


@pytest.mark.parametrize("with_output", [False, True])
def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, with_output: bool) -> None:
    output = tmp_path / "out" if with_output else None
    stopped = FakeModel(stop_after=200)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        score(stopped, output=output)
    rest = FakeModel()
    resumed = score(rest, output=output)
    assert rest.n_scored == 360 - stopped.n_scored
    assert resumed.work.from_store == stopped.n_scored
    assert resumed.work.requests == 360
    fresh = score(FakeModel(), resume=False)
    for name in MINI:
        assert list(task_of(resumed, name).samples) == list(task_of(fresh, name).samples)
        assert task_of(resumed, name) == task_of(fresh, name)


def test_a_finished_run_asked_again_decodes_nothing() -> None:
    first = score(FakeModel())
    model = FakeModel()
    again = score(model)
    assert model.n_scored == 0
    assert again.work.from_store == again.work.requests == 360
    assert again.work.tokens_decoded == again.work.logit_rows == 0
    assert again.tasks == first.tasks
    assert "from the store" in str(again)


def test_without_resume_everything_is_scored_anew() -> None:
    score(FakeModel())
    model = FakeModel()
    score(model, resume=False)
    assert model.n_scored == 360


def test_another_model_finds_nothing_in_the_store() -> None:
    score(FakeModel())
    model = FakeModel(fingerprint="other")
    score(model)
    assert model.n_scored == 360


def test_a_larger_limit_only_scores_what_is_new() -> None:
    score(FakeModel(), "mini_qa", limit=10)
    model = FakeModel()
    score(model, "mini_qa", limit=15)
    assert model.n_scored == 5 * 4


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:0] = {[str(p) for p in Path(__file__).parents[:2]]!r}
        from fake_model import FakeModel
        from fastscore import evaluate
        from fastscore.storage import block_store

        block_store.COMMIT_SECONDS = 0
        model = FakeModel()

        def watch(progress):
            if model.n_scored >= 150:
                os.kill(os.getpid(), signal.SIGKILL)

        evaluate(model, {MINI!r}, output={str(tmp_path)!r}, progress=watch)
        """
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "results.json").exists()
    model = FakeModel()
    results = score(model, output=tmp_path)
    assert model.n_scored <= 360 - 150 + 7
    assert results.tasks == score(FakeModel(), resume=False).tasks


def test_a_store_that_cannot_be_kept_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTSCORE_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = score(FakeModel(), "mini")
    assert results["mini"].n == 108
    assert len(caplog.messages) == 1
    assert "resuming" in caplog.messages[0]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(FakeModel(), resume=False)
    monkeypatch.setattr(preparation.chunks, "__defaults__", (500,))
    model = FakeModel()
    cut = score(model, resume=False)
    assert model.n_scored == 360
    assert cut.tasks == whole.tasks


def test_items_that_were_not_kept_are_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = score(FakeModel(), resume=False)
    monkeypatch.setattr(preparation, "KEPT_CHARACTERS", 0)
    assert score(FakeModel(), resume=False).tasks == kept.tasks


def test_rows_that_change_during_a_run_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "KEPT_CHARACTERS", 0)
    file = tmp_path / "rows.jsonl"
    rows = get_task("mini_qa").load("eval").rows
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def change(progress: Progress) -> None:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows[::-1]))

    with pytest.raises(DataError, match="changed while"):
        score(FakeModel(), "mini_blank,mini_qa", rows={"mini_qa": file}, progress=change)
