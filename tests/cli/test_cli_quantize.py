"""`fastscore quantize` and `--weights`: what is shown, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import Command

from fastscore.model import quantise
from models.fixtures import TinyModel


@pytest.fixture
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


def test_a_table_and_what_must_be_known(fastscore: Command, model: Path, tmp_path: Path) -> None:
    done = fastscore("quantize", model, "--types", "Q8_0,Q4_K_M", "-o", tmp_path, "--threads", 1)
    assert done.code == 0
    heading, first, second, *notes = done.out.splitlines()
    assert heading.split() == ["type", "size", "bits/weight", "seconds", "file"]
    assert first.split()[::5] == ["Q8_0", str(tmp_path / f"{model.stem}-Q8_0.gguf")]
    assert second.split()[::5] == ["Q4_K_M", str(tmp_path / f"{model.stem}-Q4_K_M.gguf")]
    assert [note.split(":")[0] for note in notes] == ["Q4_K_M"]
    assert "21 tensors" in done.err
    again = fastscore("quantize", model, "--types", "Q8_0", "--output", tmp_path, "-q")
    assert again.code == 0
    assert again.err == ""
    assert again.out.splitlines()[1].split()[4] == "kept"


def test_json(fastscore: Command, model: Path, tmp_path: Path) -> None:
    done = fastscore("quantize", model, "-t", "Q8_0", "-t", "F16", "-o", tmp_path, "--json", "-q")
    files = json.loads(done.out)
    assert [file["type"] for file in files] == ["Q8_0", "F16"]
    assert files[0]["path"] == str(tmp_path / f"{model.stem}-Q8_0.gguf")
    assert files[0]["bytes"] == Path(files[0]["path"]).stat().st_size
    assert files[0]["tensor_types"] == {"Q8_0": 16, "F32": 5}


def test_requests_that_cannot_be_met(fastscore: Command, model: Path, tmp_path: Path) -> None:
    for arguments, said in (
        (("--types", "Q4KM"), "did you mean Q4_K_M?"),
        (("--types", "IQ1_S"), "needs an importance matrix"),
        (("--types", "Q8_0", "--threads", 0), "n_threads is 0"),
    ):
        done = fastscore("quantize", model, *arguments, "--output", tmp_path)
        assert done.code == 2
        assert done.err.startswith("fastscore: ")
        assert said in done.err
    assert fastscore("quantize", model, "--output", tmp_path).code == 2
    assert fastscore("quantize", "none.gguf", "-t", "F16", "-o", tmp_path).code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_failure_of_llama_cpp(
    fastscore: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Any:
        raise quantise.QuantizeError("llama.cpp cannot quantise it: no reason")

    monkeypatch.setattr(quantise, "write_checked", fail)
    done = fastscore("quantize", model, "-t", "Q8_0", "-o", tmp_path, "-q")
    assert done.code == 1
    assert done.err == "fastscore: llama.cpp cannot quantise it: no reason\n"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed(demo_model: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Nothing but a temporary file is left, and no process goes on quantising."""
    command = [sys.executable, "-m", "fastscore", "quantize", str(demo_model), "-t", "Q3_K_M"]
    with subprocess.Popen(
        [*command, "-o", str(tmp_path), "--threads", "1"], stderr=subprocess.PIPE
    ) as process:
        end = time.monotonic() + 60
        while not list(tmp_path.glob(".*.part")) and time.monotonic() < end:
            time.sleep(0.02)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) == 1
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=60)
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert (len(gone), alive) == (1, [])
    assert list(tmp_path.glob("*.gguf")) == []
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert b"Files that are done stay; the same command goes on from there." in said
        assert list(tmp_path.iterdir()) == []


def test_run_takes_the_weights(
    fastscore: Command, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fastscore.evaluation.evaluate as evaluation

    asked: list[Any] = []

    def evaluate(model: str, tasks: list[str], **options: Any) -> Any:
        asked.append(options["weights"])
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    assert fastscore("run", model, "--tasks", "mini").code == 130
    assert fastscore("run", model, "--tasks", "mini", "--weights", "fast").code == 130
    assert asked == ["native", "fast"]
    done = fastscore("run", model, "--tasks", "mini", "--weights", "quick")
    assert done.code == 2
    assert "fast" in done.err
