from __future__ import annotations

import pytest
from command import Command


def test_help_names_the_commands(fastscore: Command) -> None:
    done = fastscore("--help")
    assert done.code == 0
    for command in ("run", "passk", "tasks", "doctor"):
        assert f" {command} " in done.out


@pytest.mark.parametrize("command", ["run", "passk", "tasks", "doctor"])
def test_help_of_a_command_has_examples(
    fastscore: Command, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = fastscore(command, "-h")
    assert done.code == 0
    assert f"fastscore {command} " in done.out.partition("Examples:")[2]
    assert "…" not in done.out  # rich cuts long option names where there is no room
    flags = [line for line in done.out.splitlines() if "<bool>" in line]
    assert all("--help" in line for line in flags)  # that one is typer's own


def test_versions(fastscore: Command) -> None:
    done = fastscore("--version")
    assert done.code == 0
    named = dict(line.split(": ", 1) for line in done.out.splitlines())
    assert {"fastscore", "llama-cpp-python", "llama.cpp", "cpu features", "backends"} <= set(named)
    assert all(named[name] for name in ("fastscore", "llama-cpp-python", "llama.cpp"))


def test_no_command_shows_the_help(fastscore: Command) -> None:
    done = fastscore()
    assert "Usage" in done.out + done.err


def test_an_unknown_command(fastscore: Command) -> None:
    done = fastscore("runn")
    assert done.code == 2
    assert "run" in done.err
