"""Saving: whole or absent, and back as it was."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fastscore.errors import ResultsError
from fastscore.results import Results, TaskResult
from fastscore.results import files as results_files
from fastscore.results.files import prepare_directory


def files_below(directory: Path) -> list[str]:
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())


def test_the_files_are_there_and_nothing_else(rich_results: Results, tmp_path: Path) -> None:
    assert rich_results.save(tmp_path / "new" / "out") == tmp_path / "new" / "out" / "results.json"
    assert files_below(tmp_path / "new" / "out") == [
        "results.json",
        "samples/arc_easy.jsonl",
        "samples/code.jsonl",
        "samples/code_not_run.jsonl",
        "samples/hellaswag.jsonl",
        "samples/one%2Fitem.jsonl",
        "samples/open_qa.jsonl",
        "samples/prompts.jsonl",
        "samples/truthfulqa_mc2.jsonl",
    ]


@pytest.mark.parametrize("as_file", [True, False])
def test_loading_gives_back_what_was_saved(
    rich_results: Results, tmp_path: Path, as_file: bool
) -> None:
    file = rich_results.save(tmp_path)
    loaded = Results.load(str(file) if as_file else tmp_path)
    assert loaded.to_dict() == rich_results.to_dict()
    assert str(loaded) == str(rich_results)
    for name, task in rich_results.tasks.items():
        assert list(loaded.tasks[name].samples) == list(task.samples)


def test_saving_what_was_loaded_gives_the_same_bytes(rich_results: Results, tmp_path: Path) -> None:
    rich_results.save(tmp_path / "a")
    Results.load(tmp_path / "a").save(tmp_path / "b")
    Results.load(tmp_path / "a").save(tmp_path / "a")
    for name in files_below(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_samples_are_read_only_when_asked_for(rich_results: Results, tmp_path: Path) -> None:
    rich_results.save(tmp_path)
    loaded = Results.load(tmp_path)
    (tmp_path / "samples" / "arc_easy.jsonl").write_bytes(b"changed since\n")
    assert len(loaded.tasks["arc_easy"].samples) == 30
    with pytest.raises(ResultsError, match="is not the file that the results were saved with"):
        loaded.tasks["arc_easy"].samples[0]
    assert loaded.tasks["hellaswag"].samples[0].doc_id == 0


def test_the_newest_save_wins(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results], tmp_path: Path
) -> None:
    results_of({"t": task_of(30)}).save(tmp_path)
    results_of({"t": task_of(7)}).save(tmp_path)
    assert Results.load(tmp_path).tasks["t"].n == 7


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "The disk is full: free some space"),
        (errno.EROFS, "read-only: choose another directory"),
        (errno.EIO, "Choose another directory"),
    ],
)
@pytest.mark.parametrize("failing", [0, 3, 5])
def test_a_failed_save_leaves_the_earlier_results_whole(
    rich_results: Results,
    task_of: Callable[..., TaskResult],
    results_of: Callable[..., Results],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    advice: str,
    failing: int,
) -> None:
    results_of({"arc_easy": task_of(5)}).save(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)}
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > failing:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(results_files.os, "fsync", fsync)
    with pytest.raises(ResultsError, match=advice) as error:
        rich_results.save(tmp_path)
    assert str(tmp_path) in str(error.value)
    monkeypatch.undo()
    assert {name: (tmp_path / name).read_bytes() for name in files_below(tmp_path)} == before
    assert Results.load(tmp_path).tasks["arc_easy"].n == 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a file's size")
def test_a_file_system_that_takes_no_more_is_a_results_error(tmp_path: Path) -> None:
    # The limit on the size of a file acts as a full disk does: a write fails half way.
    code = """
import resource, sys
sys.path.insert(0, sys.argv[1])
import conftest
from fastscore.errors import ResultsError
results = conftest.make_results({"t": conftest.make_task(300)})
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    results.save(sys.argv[2])
except ResultsError as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"results cannot be written to {tmp_path}: File too large" in run.stdout
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("value", [Path("x"), float("nan"), {1, 2}])
def test_settings_that_are_no_json_lose_nothing(
    rich_results: Results, tmp_path: Path, value: object
) -> None:
    with pytest.raises(ResultsError, match="must be plain JSON values"):
        replace(rich_results, settings={"a": value}).save(tmp_path)
    assert files_below(tmp_path) == []


def test_a_kill_between_the_renames_is_no_result(
    rich_results: Results,
    task_of: Callable[..., TaskResult],
    results_of: Callable[..., Results],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    results_of({"arc_easy": task_of(5)}).save(tmp_path)
    rename = Path.replace

    def killed_at_the_last(self: Path, target: Path) -> Path:
        if target.name == "results.json":
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", killed_at_the_last)
    with pytest.raises(KeyboardInterrupt):
        rich_results.save(tmp_path)
    with pytest.raises(ResultsError, match=r"arc_easy\.jsonl is not the file"):
        Results.load(tmp_path)


def test_a_file_in_the_way_of_the_directory(rich_results: Results, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    for directory in (tmp_path / "out", tmp_path / "out" / "below"):
        with pytest.raises(ResultsError, match="choose another directory"):
            rich_results.save(directory)
        with pytest.raises(ResultsError, match="choose another directory"):
            prepare_directory(directory)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A directory that may not be written to; root, who may all, steps down meanwhile."""
    if sys.platform == "win32":
        pytest.skip("Windows has no permission bits")
    directory = tmp_path / "forbidden"
    directory.mkdir(mode=0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield directory
    finally:
        if root:
            os.seteuid(0)


def test_a_directory_without_permission(rich_results: Results, forbidden: Path) -> None:
    with pytest.raises(ResultsError, match="Permission is missing"):
        prepare_directory(forbidden)
    with pytest.raises(ResultsError, match="Permission is missing"):
        rich_results.save(forbidden)


def test_a_directory_is_tried_before_a_run_and_left_empty(tmp_path: Path) -> None:
    prepare_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("name", ["../../escape", "a/b", "CON.", "%2e", "猫 and \ud800", "x" * 80])
def test_a_task_of_any_name_stays_in_the_samples_folder(
    task_of: Callable[..., TaskResult],
    results_of: Callable[..., Results],
    tmp_path: Path,
    name: str,
) -> None:
    results_of({name: task_of(3)}).save(tmp_path / "out")
    assert len(files_below(tmp_path)) == 2
    assert len(list((tmp_path / "out" / "samples").iterdir())) == 1
    assert Results.load(tmp_path / "out")[name].n == 3


def test_a_name_too_long_for_a_file(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results], tmp_path: Path
) -> None:
    with pytest.raises(ResultsError, match="shorten the task's name"):
        results_of({"x" * 300: task_of(3)}).save(tmp_path)


def test_names_that_differ_only_in_case_are_refused(
    task_of: Callable[..., TaskResult], results_of: Callable[..., Results], tmp_path: Path
) -> None:
    with pytest.raises(ResultsError, match="rename 'Mine'"):
        results_of({"mine": task_of(3), "Mine": task_of(4)}).save(tmp_path)
    assert files_below(tmp_path) == []
