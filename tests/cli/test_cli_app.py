from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import Command

from fastscore.cli import failures
from fastscore.cli.app import app
from fastscore.errors import DataError

COMMANDS = {
    info.callback.__name__: info.callback for info in app.registered_commands if info.callback
}


def test_help_names_the_commands(fastscore: Command) -> None:
    done = fastscore("--help")
    assert done.code == 0
    for command in COMMANDS:
        assert f" {command} " in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_has_examples_and_fits_a_terminal(
    fastscore: Command, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = fastscore(command, "-h")
    assert done.code == 0
    assert f"fastscore {command} " in done.out.partition("Examples:")[2]
    # Line ends are kept as they are written, so a line that is too long leaves a stump.
    blocks = [block.splitlines() for block in (COMMANDS[command].__doc__ or "").split("\n\n")]
    written = {line.strip() for block in blocks if len(block) > 1 for line in block}
    assert written - {"\b"} <= {line.strip() for line in done.out.splitlines()} | {""}
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_is_full(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fastscore", "tasks", "arc_easy"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    assert done.stderr == "fastscore: the output cannot be written: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="has no such pipes")
def test_an_output_that_nobody_reads() -> None:
    command = [sys.executable, "-m", "fastscore", "tasks", "arc_easy"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )  # fmt: skip
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_strangers_file_does_not_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), failures.explained():
        raise DataError("row 1 of \x1b]0;owned\x07 is bad\nsecond line: ü 模")
    assert (
        capsys.readouterr().err
        == "fastscore: row 1 of \\x1b]0;owned\\x07 is bad\nsecond line: ü 模\n"
    )
