"""Facts remembered between runs: a cache costs time when it fails, nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastscore.errors import UsageError
from fastscore.machine import CACHE_VARIABLE
from fastscore.model.notes import recall, remember


def test_a_fact_is_found_again_under_its_key() -> None:
    remember("facts", "a", {"n": 1})
    assert recall("facts", "a") == {"n": 1}
    assert recall("facts", "b") is None
    assert recall("others", "a") is None


def test_damaged_facts_were_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    remember("facts", "a", 1)
    (file,) = (tmp_path / "facts").iterdir()
    for damaged in ("", "[]", '{"key": "b", "value": 1}', '{"key": "a"}'):
        file.write_text(damaged)
        assert recall("facts", "a") is None


def test_without_a_place_for_a_cache_nothing_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file"))
    remember("facts", "a", 1)
    assert recall("facts", "a") is None

    def nowhere() -> Path:
        raise UsageError("there is no home directory to keep a cache in")

    monkeypatch.setattr("fastscore.model.notes.cache_directory", nowhere)
    remember("facts", "a", 1)
    assert recall("facts", "a") is None
