"""A profile on disk: what goes in comes out, and damage is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profile_example import example

from fastscore.errors import ResultsError
from fastscore.profiling import Energy, Profile, Speed, Workload

positive = st.floats(min_value=1e-6, max_value=1e9)
counts = st.integers(min_value=0, max_value=2**40)


def test_a_profile_survives_its_file(tmp_path: Path) -> None:
    file = example().save(tmp_path / "new" / "profile.json")
    assert Profile.load(file) == example()
    assert [path.name for path in file.parent.iterdir()] == ["profile.json"]


@given(
    samples=st.lists(positive, min_size=1, max_size=5),
    depth=counts,
    joules=st.none() | positive,
    peak=st.none() | counts,
    reason=st.none() | st.text(),
)
def test_any_figures_survive(
    samples: list[float], depth: int, joules: float | None, peak: int | None, reason: str | None
) -> None:
    speed = Speed(Workload(0, 7, depth), tuple(samples), peak, joules)
    profile = example(speeds=(speed,), first_token=None, energy=Energy(None, reason))
    text = json.dumps(profile.to_dict(), allow_nan=False)
    assert Profile.from_dict(json.loads(text)) == profile


def _set(document: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = path.split("/")
    inner: Any = document
    for key in outer:
        inner = inner[int(key) if isinstance(inner, list) else key]
    inner[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("profile_version", 2, "profile of version 2; this fastscore reads up to 1"),
        ("model/file_bytes", -1, r"profile.model.file_bytes: expected a whole number"),
        ("model/fingerprint", None, r"fingerprint: expected a text"),
        ("model/extra", float("nan"), r"profile.model: expected finite numbers"),
        ("speeds/0/samples", [], r"speeds\[0\].samples: expected finite numbers above 0"),
        ("speeds/1/samples", [0.0], r"speeds\[1\].samples: expected finite numbers above 0"),
        ("speeds/0/n_gen", 5, r"n_gen: expected a test that either reads or writes"),
        ("speeds", "pp512", "speeds: expected a list"),
        ("memory/kv", {"CPU": "many"}, r"memory.kv.CPU: expected a whole number"),
        ("loading/seconds", -0.5, r"loading.seconds: expected a finite number"),
        ("date", "yesterday", "date: expected a date"),
        ("warnings", [1], "warnings: expected a list of texts"),
    ],
)
def test_damage_is_named(path: str, value: Any, said: str) -> None:
    document = example().to_dict()
    _set(document, path, value)
    with pytest.raises(ResultsError, match=said):
        Profile.from_dict(document)


@pytest.mark.parametrize("key", sorted(example().to_dict()))
def test_nothing_may_be_missing(key: str) -> None:
    document = example().to_dict()
    del document[key]
    with pytest.raises(ResultsError, match=key):
        Profile.from_dict(document)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read"):
        Profile.load(tmp_path / "nothing.json")
    other = tmp_path / "other.json"
    other.write_text("[]")
    with pytest.raises(ResultsError, match="expected a JSON object"):
        Profile.load(other)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be written"):
        example().save(tmp_path / "file" / "profile.json")
