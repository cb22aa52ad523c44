"""Tasks with generated texts and a real engine: tiny models of random weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fake_run import task_of
from fastscore import Model, Results, evaluate
from fastscore.errors import UsageError
from fastscore.tasks import GenerationTask, OpenQuestion
from models.fixtures import TinyModel

WARM: dict[str, Any] = {"n": 3, "temperature": 0.9, "seed": 5, "max_tokens": 12}
ROWS = [{"x": i} for i in range(10)]
TASK = GenerationTask(
    "open",
    lambda row: OpenQuestion(f"the number {row['x']} is", "", gold=("a", "b")),
    stop=("\n",),
)


@pytest.fixture
def model(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


def write(model: Path | Model, **options: Any) -> Results:
    engine = {"n_threads": 1, "n_batch": 64} if isinstance(model, Path) else {}
    given = {"rows": {"open": ROWS}, "progress": False, **WARM, **engine, **options}
    return evaluate(model, TASK, **given)


def texts(results: Results) -> list[tuple[str, ...]]:
    return [one.outputs for one in task_of(results, "open").samples]  # type: ignore[union-attr]


def test_the_texts_are_those_of_the_model(model: Path) -> None:
    results = write(model)
    with Model(model, n_threads=1, n_batch=64) as engine:
        alone = engine.generate(
            [f"the number {i} is" for i in range(10)], 3, 12, 0.9, stop=("\n",), seed=5
        )
    assert texts(results) == [tuple(one.text for one in row) for row in alone]
    summary = task_of(results, "open").generation
    assert summary is not None
    n_tokens = [one.n_tokens for row in alone for one in row]
    assert summary.mean_tokens == pytest.approx(sum(n_tokens) / 30)
    work = results.work.generation
    assert work is not None
    assert work.tokens_generated == sum(n_tokens)
    assert 0 < work.prompt_tokens_minimal <= work.prompt_tokens_decoded
    assert all(work.seconds[phase] > 0 for phase in ("prefill", "decode", "sample"))


def test_more_samples_leave_the_first_ones_as_they_were(model: Path) -> None:
    fewer = write(model, n=2, resume=False)
    more = write(model)
    assert more.work.generation is not None
    assert more.work.generation.from_store == 20
    assert [row[:2] for row in texts(more)] == texts(fewer)
    assert texts(more) == texts(write(model, resume=False))


def test_long_prompts_are_counted_as_the_engine_cuts_them(model: Path) -> None:
    with Model(model, n_ctx=20, n_threads=1, n_batch=64) as engine:
        lengths = [len(engine.tokenize(f"the number {i} is")) for i in range(10)]
        cut = task_of(write(engine, resume=False), "open").truncated
    assert cut == sum(length > 20 - 12 for length in lengths)
    with pytest.raises(UsageError, match=r"max_tokens|window"):
        write(model, n_ctx=10)


STOPPING = """
import os, signal, sys
sys.path[:0] = {here!r}
from pathlib import Path
from fastscore.storage import block_store
from test_generated_runs_real import write

seen = 0

def watch(progress):
    global seen
    if progress.samples_done >= {after}:
        os.kill(os.getpid(), signal.{signal})

block_store.COMMIT_SECONDS = 0
write(Path({model!r}), output={output!r}, progress=watch)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_a_run_that_was_ended_goes_on_where_it_was(model: Path, tmp_path: Path, how: str) -> None:
    code = STOPPING.format(
        here=[str(p) for p in Path(__file__).parents[:2]], after=11, signal=how, model=str(model),
        output=str(tmp_path),
    )  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert ended.returncode in (-signal.Signals[how], 1), ended.stderr
    if how == "SIGINT":
        assert "the same command goes on" in ended.stderr
    assert not (tmp_path / "results.json").exists()
    resumed = write(model, output=tmp_path)
    assert resumed.work.generation is not None
    assert resumed.work.generation.from_store >= 11
    assert texts(resumed) == texts(write(model, resume=False))
    lines = (tmp_path / "samples" / "open.jsonl").read_bytes().splitlines()
    assert [tuple(json.loads(line)["outputs"]) for line in lines] == texts(resumed)
