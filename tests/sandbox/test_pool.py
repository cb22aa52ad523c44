"""The pool, with workers that need no sandbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from fastscore.errors import SandboxError, UsageError
from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits, pool
from fastscore.sandbox.request import Request
from fastscore.sandbox.worker import Worker, WorkerDiedError


class Scripted:
    """A worker that does what the program's text says; ``all`` are those ever made."""

    all: list[Scripted] = []  # noqa: RUF012
    prepare: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, limits: SandboxLimits) -> None:
        type(self).prepare()
        self.closed = threading.Event()
        self.all.append(self)

    def execute(self, request: Request) -> Execution:
        assert not self.closed.is_set()
        text = request.source.decode().strip()
        if text == "die":
            raise WorkerDiedError("gone")
        if text == "break":
            raise RuntimeError("a defect")
        if text == "hang":
            assert self.closed.wait(30)
            raise WorkerDiedError("closed")
        time.sleep(0.001)
        return Execution("passed", message=text)

    def close(self) -> None:
        self.closed.set()


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    def opener(level: str) -> tuple[Callable[[SandboxLimits], Worker], str]:
        return Scripted, "scripted"

    monkeypatch.setattr(pool, "_opener", opener)
    monkeypatch.setattr(Scripted, "all", [])


def programs(*texts: str) -> list[Program]:
    return [Program(text, "") for text in texts]


def test_every_index_comes_once_with_its_own_answer() -> None:
    with Sandbox(workers=4) as sandbox:
        for n in (0, 1, 3, 100):
            found = sorted(sandbox.run(programs(*(str(i) for i in range(n)))))
            assert [(i, one.message) for i, one in found] == [(i, str(i)) for i in range(n)]
    assert 1 <= len(Scripted.all) <= 4
    assert all(worker.closed.is_set() for worker in Scripted.all)


def test_no_more_workers_than_programs() -> None:
    with Sandbox(workers=50) as sandbox:
        list(sandbox.run(programs("a", "b", "c")))
    assert len(Scripted.all) <= 3


def test_a_worker_that_dies_costs_one_program() -> None:
    with Sandbox(workers=1) as sandbox:
        found = dict(sandbox.run(programs("a", "die", "b", "die", "c")))
    assert [found[i].outcome for i in range(5)] == [
        *("passed", "crashed", "passed", "crashed", "passed")
    ]
    assert found[1].message == "gone"
    assert len(Scripted.all) == 3
    assert all(worker.closed.is_set() for worker in Scripted.all)


def test_a_defect_is_raised() -> None:
    with Sandbox(workers=2) as sandbox:
        with pytest.raises(RuntimeError, match="a defect"):
            list(sandbox.run(programs("hang", "break", *"abcdef")))
        assert len(list(sandbox.run(programs(*"abc")))) == 3


def test_workers_that_cannot_start_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox(workers=1) as sandbox:

        def refuse() -> None:
            raise SandboxError("no more of them")

        monkeypatch.setattr(Scripted, "prepare", staticmethod(refuse))
        with pytest.raises(SandboxError, match="no more of them"):
            list(sandbox.run(programs("die", "a")))


def test_leaving_early_closes_what_is_busy() -> None:
    with Sandbox(workers=3) as sandbox:
        for _ in sandbox.run(programs("a", "hang", "hang", "b")):
            break
        assert threading.active_count() == 1 or not any(
            thread.name == "fastscore-sandbox" for thread in threading.enumerate()
        )
        assert len(list(sandbox.run(programs("a")))) == 1


def test_one_run_at_a_time() -> None:
    with Sandbox(workers=1) as sandbox:
        first = sandbox.run(programs("a", "b"))
        next(first)
        with pytest.raises(UsageError, match="already running"):
            next(sandbox.run(programs("c")))
        assert len(list(first)) == 1
        assert len(list(sandbox.run(programs("c")))) == 1


def test_bad_arguments_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="workers is 0"):
        Sandbox(workers=0)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="no sandbox level 'none'; choose one of strong, weak"):
        Sandbox("none")  # type: ignore[arg-type]
