from __future__ import annotations

import io
import logging
import sys

import pytest

from fastscore import reporters
from fastscore.progress import Meter, Progress
from fastscore.reporters import (
    BarReporter,
    CallbackReporter,
    LineReporter,
    QuietReporter,
    make_reporter,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def somewhere(done: int = 0) -> Progress:
    meter = Meter({"a": 4000})
    meter.plan("a", 4000, 1000, all_new=True)
    meter.advance(done)
    return meter.now()


def test_without_stderr_stdout_stays_clean(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    LineReporter().warn("for nobody")
    assert capsys.readouterr().out == ""


def test_what_suits_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(make_reporter(None), LineReporter)
    assert isinstance(make_reporter(True), LineReporter)
    assert isinstance(make_reporter(False), QuietReporter)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(make_reporter(None), BarReporter)
    monkeypatch.setattr(sys, "stderr", None)  # pythonw
    assert isinstance(make_reporter(None), LineReporter)


def test_lines_come_at_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    reporter = LineReporter(clock=lambda: now)
    for second in range(0, 70, 10):
        now = float(second)
        reporter.update(somewhere(second))
    reporter.warn("careful")
    reporter.close()
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "a: 30 of 1,000 tokens",
        "a: 60 of 1,000 tokens",
        "Warning: careful",
    ]


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    reporter = BarReporter()
    reporter.note("[bold] is no markup here")
    reporter.update(somewhere())
    reporter.update(somewhere(500))
    reporter.warn("careful")
    reporter.close()
    reporter.close()
    text = terminal.getvalue()
    assert "[bold] is no markup here" in text
    assert "500 of 1,000 tokens" in text
    assert "50%" in text
    assert "Warning: careful" in text


def test_a_function_is_called(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[Progress] = []
    reporter = make_reporter(seen.append)
    assert isinstance(reporter, CallbackReporter)
    reporter.update(somewhere(3))
    assert [one.tokens_done for one in seen] == [3]
    with caplog.at_level(logging.INFO, reporters.__name__.partition(".")[0]):
        reporter.note("fine")
        reporter.warn("careful")
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = QuietReporter()
    reporter.note("fine")
    reporter.update(somewhere())
    reporter.close()
    assert capsys.readouterr() == ("", "")
