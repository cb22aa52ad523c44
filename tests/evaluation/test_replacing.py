"""Results that a run is about to replace are named before they are gone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fastscore.evaluation.evaluate import evaluate
from fastscore.results import Results


def score(tmp_path: Path, tasks: str, model: Any = None, **options: Any) -> Results:
    return evaluate(
        model or FakeModel(), tasks, output=tmp_path, limit=2, progress=False, **options
    )


@pytest.fixture(autouse=True)
def warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "fastscore")
    return caplog


def test_the_same_command_again_loses_nothing(
    tmp_path: Path, warnings: pytest.LogCaptureFixture
) -> None:
    score(tmp_path, "mini_qa")
    score(tmp_path, "mini_qa")
    score(tmp_path, "mini_qa,mini_blank")
    assert warnings.messages == []


def test_tasks_that_are_not_scored_again(
    tmp_path: Path, warnings: pytest.LogCaptureFixture
) -> None:
    score(tmp_path, "mini_qa,mini_blank")
    score(tmp_path, "mini_completion,mini_blank")
    (message,) = warnings.messages
    assert f"{tmp_path} holds results of mini_qa, which this run does not score" in message


def test_another_model(tmp_path: Path, warnings: pytest.LogCaptureFixture) -> None:
    score(tmp_path, "mini_qa")
    score(tmp_path, "mini_qa", FakeModel(fingerprint="another"))
    (message,) = warnings.messages
    assert "results of another model" in message


def test_what_cannot_be_read_is_not_spoken_of(
    tmp_path: Path, warnings: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "results.json").write_text("{")
    score(tmp_path, "mini_qa")
    assert warnings.messages == []
    assert list(Results.load(tmp_path)) == ["mini_qa"]
