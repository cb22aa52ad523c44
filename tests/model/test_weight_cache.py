"""Files of re-encoded weights: kept within limits, found whole, and left to whom they serve."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from fastscore.errors import UsageError
from fastscore.machine import CACHE_VARIABLE, cache_directory
from fastscore.model import fast_weights, quantise, weight_cache
from fastscore.model.fingerprint import fingerprint
from fastscore.model.tensors import ModelFile, read_model
from fastscore.model.weight_types import bytes_as

from .engine import assorted_pairs, logprobs, open_tiny
from .reencoded import SPEEDS, cached, choice_of

Usage = namedtuple("Usage", "total used free")


def make(origin: str, source: ModelFile) -> Path:
    weight_cache.make_trial(origin, "BF16", source, 1)
    return weight_cache.keep(origin, "BF16")


@pytest.mark.parametrize(
    ("limit", "free", "said"),
    [("0.0001", 10**12, "re-encoded weights may take 0.0 GB"), ("20", 2**30, "has 1.1 GB free")],
)
def test_cache_and_disk_have_limits(
    q8: Path,
    measured: list[str],
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    free: int,
    said: str,
) -> None:
    monkeypatch.setenv(weight_cache.LIMIT_VARIABLE, limit)
    monkeypatch.setattr(weight_cache.shutil, "disk_usage", lambda path: Usage(0, 0, free))
    choice = choice_of(q8)
    assert choice.is_native
    assert all(said in why for why in choice.left_out.values())
    assert len(choice.left_out) == 3
    assert measured == []


def test_weights_that_are_there_need_no_room(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = choice_of(q8).type
    monkeypatch.setattr(weight_cache.shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    assert choice_of(q8).type == chosen != "native"


def test_where_no_cache_can_be_nothing_is_measured_or_lost(
    q8: Path, tmp_path: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with open_tiny(q8, weights="fast") as model:
        assert model.choice is not None
        assert model.choice.is_native
        assert all("cannot be written to" in why for why in model.choice.left_out.values())
        assert len(model.fingerprint) == 64
    assert measured == []


@pytest.mark.parametrize("limit", ["plenty", "nan", "inf"])
def test_a_limit_that_is_no_number(q8: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv(weight_cache.LIMIT_VARIABLE, limit)
    with pytest.raises(UsageError, match=f"{weight_cache.LIMIT_VARIABLE} is '{limit}'; give"):
        open_tiny(q8, weights="fast")


def test_what_was_used_longest_ago_goes_first(q8: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = read_model(q8)
    needed = bytes_as("BF16", source)
    monkeypatch.setenv(weight_cache.LIMIT_VARIABLE, str(2.9 * needed / 1e9))
    paths = [make(f"{i}" * 64, source) for i in range(2)]
    for path, age in zip(paths, (5000, 9000), strict=True):
        os.utime(path.with_suffix(".used"), (time.time() - age,) * 2)
    assert weight_cache.find("1" * 64, "BF16") == paths[1]  # used again
    make("2" * 64, source)
    assert [path.exists() for path in paths] == [False, True]
    # What another process may just be opening stays.
    make("3" * 64, source)
    assert paths[1].exists()


@pytest.mark.parametrize("damage", ["content", "cut", "gone", "unknown"])
def test_a_damaged_file_is_made_anew(q8: Path, measured: list[str], damage: str) -> None:
    with open_tiny(q8, weights="fast") as model:
        assert model.choice is not None
        path = model.choice.path
        expected = logprobs(model.loglikelihood(assorted_pairs(n_contexts=1)))
    whole = path.read_bytes()
    if damage == "content":
        path.write_bytes(whole[:-1000] + bytes(1000))
    elif damage == "cut":
        os.truncate(path, len(whole) // 2)
    elif damage == "gone":
        path.unlink()
    else:
        for note in (cache_directory() / "weight-files").iterdir():
            note.unlink()
    with open_tiny(q8, weights="fast") as model:
        found = logprobs(model.loglikelihood(assorted_pairs(n_contexts=1)))
    assert path.read_bytes() == whole
    np.testing.assert_array_equal(found, expected)
    assert len(measured) == 4


def test_a_type_that_llama_cpp_cannot_write_is_not_tried_again_for_a_day(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = quantise.Job.run

    def fail(self: quantise.Job, progress: object = None) -> None:
        if self.type == 32:  # BF16
            raise quantise.QuantizeError("quantized data validation failed")
        run(self)

    monkeypatch.setattr(quantise.Job, "run", fail)
    for _ in range(2):
        choice = choice_of(q8)
        assert choice.type == "F16"
        assert choice.left_out == {"BF16": "quantized data validation failed"}
    assert measured == ["Q8_0", "F16", "F32"]
    monkeypatch.setattr(quantise.Job, "run", run)  # the disk was full, say, and has room again
    monkeypatch.setattr(fast_weights, "_RETRY", 0.0)
    choice = choice_of(q8)
    assert (choice.type, choice.left_out) == ("BF16", {})


def test_two_processes_at_once(q8: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from fastscore.model import Model\n"
        "model = Model(sys.argv[1], n_threads=1, weights='fast')\n"
        "print(model.choice.to_dict()['tokens_per_second'], model.choice.type)"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(q8)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    (one, _), (other, _) = (process.communicate(timeout=120) for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert one == other != b""  # the second took what the first had measured
    assert len(cached()) <= 1


def test_a_file_that_another_choice_names_stays(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have chosen it and be about to load it."""
    named = choice_of(q8).path
    monkeypatch.setitem(SPEEDS, "F16", 500.0)
    assert choice_of(q8, n_threads=2).type == "F16"
    assert named.exists()
    assert cached() == ["BF16", "F16"]


def test_files_that_are_only_tried_are_found_by_nobody(
    q8: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process finds while one measures is still there when it loads it."""
    origin = fingerprint(q8)
    found: list[Path] = []
    watch = fast_weights._watch

    def spied(model: object) -> object:
        tried = (weight_cache.find(origin, kind) for kind in ("BF16", "F16", "F32"))
        found.extend(filter(None, tried))
        return watch(model)  # type: ignore[arg-type]

    monkeypatch.setattr(fast_weights, "_watch", spied)
    with open_tiny(q8, weights="fast"):
        assert len(measured) == 4
    assert [path for path in found if not path.exists()] == []
    monkeypatch.setitem(SPEEDS, "F32", 500.0)
    with open_tiny(q8, weights="fast", n_threads=2):
        assert len(measured) == 8
    assert found != []
    assert [path for path in found if not path.exists()] == []
