"""Generation runs that are closed, broken off, repeated, or led astray by broken weights."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader

from fastscore.errors import DecodeError, ModelError, UsageError
from fastscore.model import GenerationRequest, Sampling
from models.fixtures import TinyModel

from .engine import open_tiny
from .open_each import TESTS


def test_a_run_can_be_iterated_once(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        run = model.generating([GenerationRequest("the", max_tokens=4)])
        assert sum(len(step) for step in run) == 1
        with pytest.raises(RuntimeError, match="once"):
            next(iter(run))


def test_counts_and_seconds_grow_as_the_run_goes_on(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        run = model.generating(
            [GenerationRequest(f"{i} the sun", (0, 1), max_tokens=30) for i in range(20)],
            n_parallel=4,
        )
        assert run.n_samples == 40
        assert run.tokens_prefill_planned > 0
        seen = []
        n_tokens = 0
        for step in run:
            n_tokens += sum(done.generation.n_tokens for done in step)
            seen.append((run.tokens_generated, run.prompt_tokens_decoded))
        assert seen == sorted(seen)
        assert run.tokens_generated == n_tokens
        assert run.prompt_tokens_decoded == run.tokens_prefill_planned
        assert all(seconds > 0 for seconds in run.seconds.values())
        assert len(seen) > 40 / 4 * 20  # a step yields as soon as it is done


def test_two_runs_of_one_thread_do_not_mix(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        requests = [GenerationRequest("the sun", max_tokens=20)]
        first = iter(model.generating(requests))
        next(first)
        with pytest.raises(UsageError, match="a run of this model is under way"):
            model.loglikelihood([("a", " b")])
        with pytest.raises(UsageError, match="a run of this model is under way"):
            next(iter(model.generating(requests)))
        first.close()  # type: ignore[attr-defined]
        assert len(model.loglikelihood([("a", " b")])) == 1


def test_a_run_broken_off_leaves_the_model_as_it_was(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("gemma3"), exact=True) as model:
        before = model.generate(["the sun", "the moon"], n=2, max_tokens=10)
        for _ in model.generating(
            [GenerationRequest(f"{i} water", (0, 1, 2), max_tokens=40) for i in range(30)]
        ):
            break
        after = model.generate(["the sun", "the moon"], n=2, max_tokens=10)
    assert [[one.text for one in texts] for texts in before] == [
        [one.text for one in texts] for texts in after
    ]


def test_a_closed_model_writes_nothing(tiny_model: TinyModel) -> None:
    model = open_tiny(tiny_model("llama"))
    run = model.generating([GenerationRequest("the", max_tokens=4)])
    model.close()
    with pytest.raises(ModelError, match="closed"):
        model.generate("the", max_tokens=4)
    with pytest.raises(ModelError, match="closed"):
        list(run)


@pytest.mark.parametrize("grammar", [None, 'root ::= [^"]*'])
def test_closing_from_another_thread_ends_the_run(
    tiny_model: TinyModel, grammar: str | None
) -> None:
    for delay in (1, 3, 10):
        model = open_tiny(tiny_model("mixtral"))
        run = model.generating(
            [GenerationRequest(f"{i} the river", (0, 1), max_tokens=200) for i in range(200)],
            Sampling(temperature=1.0),
            grammar=grammar,
        )
        steps = iter(run)
        for _ in range(delay):
            next(steps)
        closer = threading.Thread(target=model.close)
        closer.start()
        with pytest.raises(DecodeError, match="closed"):
            for _ in steps:
                pass
        closer.join(60)
        assert not closer.is_alive()


def test_threads_take_turns(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), exact=True) as model:
        expected = [model.generate(f"{i} the sun", n=2, max_tokens=12) for i in range(6)]
        found: list[object] = [None] * 6

        def work(i: int) -> None:
            found[i] = model.generate(f"{i} the sun", n=2, max_tokens=12)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    texts = [[one.text for one in written] for written in expected]
    assert [[one.text for one in written] for written in found] == texts  # type: ignore[attr-defined]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_an_error(
    tiny_model: TinyModel, tmp_path: Path, value: float
) -> None:
    path = tmp_path / "broken.gguf"
    shutil.copy(tiny_model("llama"), path)
    (output,) = [t for t in GGUFReader(path, "r+").tensors if t.name == "output.weight"]
    output.data[100, :] = value
    with open_tiny(path) as model, pytest.raises(DecodeError, match="request 0, sample 5"):
        list(
            model.generating(
                [GenerationRequest("the sun", (5,), max_tokens=4)], Sampling(temperature=1.0)
            )
        )


def test_greedy_needs_numbers_too(tiny_model: TinyModel, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    shutil.copy(tiny_model("llama"), path)
    (output,) = [t for t in GGUFReader(path, "r+").tensors if t.name == "output.weight"]
    output.data[100, :] = np.nan
    with open_tiny(path) as model, pytest.raises(DecodeError, match="NaN"):
        model.generate("the sun", max_tokens=4)


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
@pytest.mark.parametrize("family", ["llama", "mamba"])
def test_interrupt_within_a_step(tiny_model: TinyModel, family: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "model.interrupted_generation", str(tiny_model(family))],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        said = json.loads(process.stdout.readline())
        assert process.wait(60) == 0
    assert said["generated"] < said["of"] / 2
    assert said["usable"]
