"""Observers are told what happens, in order, and what they do wrong costs no result."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from fake_model import FakeModel
from fake_run import score
from fastscore import Results, UnsavedResultsError, UsageError
from fastscore.evaluation.observers import asked_for
from fastscore.observing import Observer, Observers, RunStart
from fastscore.progress import Progress
from fastscore.results import Sample, TaskResult


class Diary(Observer):
    """Writes down what it is told; fails at ``fails_at``."""

    def __init__(self, fails_at: str = "", *, wants_prompts: bool = False) -> None:
        self.told: list[str] = []
        self.start: RunStart | None = None
        self.results: Results | None = None
        self.error: BaseException | None = None
        self.samples: list[Any] = []
        self.wants_prompts = wants_prompts
        self._fails_at = fails_at

    def _note(self, what: str, about: str = "") -> None:
        if what != "progressed" or self.told[-1:] != ["progressed"]:
            self.told.append(f"{what} {about}".strip())
        if what == self._fails_at:
            raise OSError("no room left in the diary")

    def run_started(self, start: RunStart) -> None:
        self.start = start
        self._note("run_started")

    def task_started(self, task: str) -> None:
        self._note("task_started", task)

    def progressed(self, progress: Progress) -> None:
        self._note("progressed")

    def task_ended(self, task: str, result: TaskResult) -> None:
        self.samples += result.samples
        self._note("task_ended", task)

    def run_ended(self, results: Results) -> None:
        self.results = results
        self._note("run_ended")

    def run_failed(self, error: BaseException) -> None:
        self.error = error
        self._note("run_failed")


def test_what_happens_is_told_in_order(tmp_path: Path) -> None:
    diary = Diary()
    results = score(FakeModel(), ["mini_qa", "mini_blank"], observers=[diary], output=tmp_path)
    assert [one for one in diary.told if one != "progressed"] == [
        "run_started",
        "task_started mini_qa",
        "task_ended mini_qa",
        "task_started mini_blank",
        "task_ended mini_blank",
        "run_ended",
    ]
    assert "progressed" in diary.told
    assert diary.results is results
    start = diary.start
    assert start is not None
    assert start.tasks == {name: task.n for name, task in results.tasks.items()}
    assert start.model == results.model
    assert start.settings == results.settings
    assert start.output == tmp_path
    assert start.date == results.date


def test_tasks_that_may_stop_early_are_told() -> None:
    diary = Diary()
    results = score(FakeModel(), ["mini_qa", "mini_blank"], observers=[diary], until="ci=0.3")
    tasks = ["mini_blank", "mini_qa"]
    for event in ("task_started", "task_ended"):
        assert sorted(one for one in diary.told if event in one) == [f"{event} {t}" for t in tasks]
    assert diary.told[-1] == "run_ended"
    assert len(diary.samples) == sum(results.tasks[task].n for task in tasks)


def test_texts_are_kept_for_observers_alone(tmp_path: Path) -> None:
    diary = Diary(wants_prompts=True)
    results = score(FakeModel(), "mini_qa", observers=[diary, Diary()], output=tmp_path)
    assert diary.samples
    assert all(sample.contexts and sample.continuations for sample in diary.samples)
    assert not any(sample.has_prompt for sample in results.tasks["mini_qa"].samples)
    assert '"context"' not in (tmp_path / "samples" / "mini_qa.jsonl").read_text()
    logged = score(FakeModel(), "mini_qa", observers=[diary], log_prompts=True)
    for sample in logged.tasks["mini_qa"].samples:
        assert isinstance(sample, Sample)
        assert sample.has_prompt
        assert not sample.without_prompt().has_prompt


@pytest.mark.parametrize("event", ["task_started", "progressed", "task_ended", "run_ended"])
def test_who_fails_on_the_way_is_dropped_with_a_warning(
    event: str, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Diary(event), Diary()
    with caplog.at_level(logging.WARNING, "fastscore"):
        results = score(FakeModel(), "mini_qa", observers=[bad, good])
    assert results.tasks["mini_qa"].n == good.start.tasks["mini_qa"]  # type: ignore[union-attr]
    assert bad.told[-1].startswith(event)
    assert good.told[-1] == "run_ended"
    warned = [record.message for record in caplog.records if "Diary failed" in record.message]
    assert len(warned) == 1
    assert "OSError: no room left in the diary. The run goes on." in warned[0]


def test_who_cannot_begin_stops_the_run_before_it_decodes() -> None:
    model, first, bad, last = FakeModel(), Diary(), Diary("run_started"), Diary()
    with pytest.raises(OSError, match="no room"):
        score(model, "mini_qa", observers=[first, bad, last])
    assert first.told == ["run_started", "run_failed"]
    assert bad.told == ["run_started"]
    assert last.told == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), ValueError("broken")])
def test_a_run_that_fails_is_told(stop: BaseException) -> None:
    class Stopper(Observer):
        def task_ended(self, task: str, result: TaskResult) -> None:
            if isinstance(stop, KeyboardInterrupt):
                raise stop

    def progress(_: Progress) -> None:
        raise stop

    diary = Diary()
    with pytest.raises(type(stop)):
        score(FakeModel(), "mini_qa", observers=[diary, Stopper()], progress=progress)
    assert diary.told[-1] == "run_failed"
    assert diary.error is stop


def test_results_that_cannot_be_saved_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastscore import ResultsError

    def full(self: Results, directory: object) -> Path:
        raise ResultsError("no space left")

    monkeypatch.setattr(Results, "save", full)
    diary = Diary()
    with pytest.raises(UnsavedResultsError):
        score(FakeModel(), "mini_qa", observers=[diary], output=tmp_path / "out")
    assert diary.told[-1] == "run_ended"


class Interrupted(Observer):
    """Is slow at the end of a run, so that somebody presses Ctrl-C."""

    def run_ended(self, results: Results) -> None:
        raise KeyboardInterrupt

    def run_failed(self, error: BaseException) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("resume", [True, False])
def test_who_is_tired_of_waiting_for_an_observer_is_told_where_the_results_are(
    resume: bool,
) -> None:
    with pytest.raises(KeyboardInterrupt, match="when all was scored") as stop:
        score(FakeModel(), "mini_qa", observers=[Interrupted()], resume=resume)
    assert ("the same command has the results at once" in str(stop.value)) == resume
    assert ("without --no-resume" in str(stop.value)) != resume
    model = FakeModel()
    score(model, "mini_qa")
    assert model.n_scored == 0


def test_who_comes_after_an_interrupted_observer_hears_of_the_end() -> None:
    before, after = Diary(), Diary()
    with pytest.raises(KeyboardInterrupt):
        score(FakeModel(), "mini_qa", observers=[before, Interrupted(), after])
    assert before.told == after.told
    assert before.told[-1] == "run_ended"


def test_who_comes_after_an_interrupted_observer_hears_of_the_failure() -> None:
    before, after = Diary(), Diary()

    def stop(_: Progress) -> None:
        raise ValueError("broken")

    with pytest.raises(KeyboardInterrupt):
        score(FakeModel(), "mini_qa", observers=[before, Interrupted(), after], progress=stop)
    assert before.told == after.told
    assert before.told[-1] == "run_failed"


def test_results_on_disk_are_named_to_who_is_tired_of_waiting(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt) as stop:
        score(FakeModel(), "mini_qa", observers=[Interrupted()], output=tmp_path)
    assert f"the results are in {tmp_path}" in str(stop.value)
    assert (tmp_path / "results.json").is_file()


@pytest.mark.parametrize("call", ["__init__", "append"])
def test_results_that_nobody_keeps_are_said_to_be_lost(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(f"fastscore.storage.block_store.Journal.{call}", full)
    with pytest.raises(KeyboardInterrupt, match="Not everything could be kept"):
        score(FakeModel(), "mini_qa", observers=[Interrupted()])


def test_none_asks_for_no_observer() -> None:
    assert list(asked_for(None, None)) == []


def test_nobody_is_told_twice_by_an_empty_list() -> None:
    told = Observers([], pytest.fail)
    assert not told.wants_prompts
    told.task_started("mini_qa")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Diary(), "give a list of them"),
        ("mlflow", "give a list of them"),
        (None, "give a list of them"),
        ([Diary], "give an instance of a class"),
        ([print], "give an instance of a class"),
    ],
)
def test_what_is_no_observer_is_refused(given: Any, said: str) -> None:
    model = FakeModel()
    with pytest.raises(UsageError, match=said):
        score(model, "mini_qa", observers=given)
    assert model.n_scored == 0


@pytest.mark.parametrize("value", ["", " ", 3])
def test_what_names_no_experiment_is_refused(value: Any) -> None:
    pytest.importorskip("mlflow", reason="MLflow is not installed")
    with pytest.raises(UsageError, match="give True, or the name of an experiment"):
        score(FakeModel(), "mini_qa", mlflow=value)
