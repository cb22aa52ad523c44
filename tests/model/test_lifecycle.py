"""Opening, closing, runs that end early, and threads that share a model."""

from __future__ import annotations

import gc
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from fastscore import _core
from fastscore.errors import DecodeError, FastscoreError, ModelError, UsageError
from fastscore.model import Model
from models.fixtures import TinyModel

from .engine import assorted_pairs, finish, logprobs, open_tiny

PAIRS = [("the sun is", " high"), ("the moon", " is made of cheese")]


def test_closing_twice_is_harmless_and_use_after_it_is_refused(tiny_model: TinyModel) -> None:
    model = open_tiny(tiny_model("llama"))
    requests = model.encode(PAIRS)
    run = model.scoring(requests)
    model.loglikelihood(PAIRS)
    model.close()
    model.close()
    assert "closed" in repr(model)
    for use in (
        lambda: model.loglikelihood(PAIRS),
        lambda: model.loglikelihood_rolling(["the"]),
        lambda: model.tokenize("the"),
        lambda: model.encode(PAIRS),
        lambda: model.scoring(requests),
        lambda: finish(run),
        model.__enter__,
        model.metadata,
    ):
        with pytest.raises(ModelError, match="the model is closed"):
            use()
    assert model.info.architecture == "llama"


def test_a_model_closes_with_its_block_and_when_it_is_dropped(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        model.loglikelihood(PAIRS)
    with pytest.raises(ModelError, match="closed"):
        model.tokenize("the")
    dropped = open_tiny(tiny_model("llama"))
    weights = dropped._weights
    del dropped
    gc.collect()
    with pytest.raises(ModelError, match="closed"):
        _ = weights.pointer


def test_a_run_that_outlives_its_model_says_so(tiny_model: TinyModel) -> None:
    model = open_tiny(tiny_model("llama"), n_batch=32)
    run = iter(model.scoring(model.encode(assorted_pairs())))
    next(run)
    model.close()
    with pytest.raises(DecodeError, match="the model is closed"):
        next(run)


def test_a_run_is_iterated_once(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama")) as model:
        run = model.scoring(model.encode(PAIRS))
        with pytest.raises(RuntimeError, match="has not started"):
            run.token_logprobs(0)
        finish(run)
        with pytest.raises(RuntimeError, match="iterated once"):
            finish(run)
        with pytest.raises(ValueError, match="values of single tokens were not asked for"):
            run.token_logprobs(0)


@pytest.mark.parametrize("family", ["llama", "gemma3", "mamba", "lfm2"])
def test_an_abandoned_run_leaves_the_model_as_it_was(tiny_model: TinyModel, family: str) -> None:
    with open_tiny(tiny_model(family), n_batch=32, exact=True) as model:
        before = model.loglikelihood(PAIRS)
        for steps in (1, 2, 5):
            run = iter(model.scoring(model.encode(assorted_pairs())))
            for _ in range(steps):
                next(run)
            del run
            assert logprobs(model.loglikelihood(PAIRS)) == pytest.approx(logprobs(before), rel=1e-5)


def test_two_runs_interleaved_by_one_thread_are_refused(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), n_batch=32) as model:
        requests = model.encode(assorted_pairs())
        first, second = iter(model.scoring(requests)), iter(model.scoring(requests))
        next(first)
        with pytest.raises(UsageError, match="a run of this model is under way"):
            next(second)
        rest = list(first)
        assert rest
        assert model.loglikelihood(PAIRS)


@pytest.mark.parametrize("family", ["llama", "mamba"])
def test_threads_that_share_a_model_take_turns(tiny_model: TinyModel, family: str) -> None:
    with open_tiny(tiny_model(family), n_batch=32, exact=True) as model:
        jobs = [assorted_pairs(seed, n_contexts=3) for seed in range(6)]
        alone = [logprobs(model.loglikelihood(job)) for job in jobs]
        found: dict[int, np.ndarray] = {}

        def work(number: int) -> None:
            for _ in range(3):
                found[number] = logprobs(model.loglikelihood(jobs[number]))

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        for number, expected in enumerate(alone):
            np.testing.assert_allclose(found[number], expected, rtol=1e-5)


def test_closing_under_a_run_of_another_thread_ends_it(tiny_model: TinyModel) -> None:
    model = open_tiny(tiny_model("llama"), n_batch=32)
    started, outcome = threading.Event(), []

    def work() -> None:
        try:
            while True:
                model.loglikelihood(assorted_pairs())
                started.set()
        except FastscoreError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert started.wait(60)
    model.close()
    thread.join(60)
    assert outcome == ["the model is closed"]


def test_python_runs_on_while_a_step_is_decoded(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama", n_vocab=5000), n_batch=512, exact=True) as model:
        limits = model.scoring(model.encode([("the " * 200, " sun")])).limits
        trie = _core.TokenTrie()
        trie.add(np.arange(5, 205, dtype=np.int32), np.arange(5, 55, dtype=np.int32))
        plan = _core.Plan(trie, n_batch=512, n_cells=512, n_seqs=8, n_rows=512, sharing="prefix")
        scorer = _core.Scorer(model._decoder(limits), plan, _core.ThreadPool(1))
        count, stop = [0], threading.Event()

        def work() -> None:
            while not stop.is_set():
                count[0] += 1
                time.sleep(0)

        thread = threading.Thread(target=work)
        interval = sys.getswitchinterval()
        # From now on the other thread runs only when this one lets go by itself.
        sys.setswitchinterval(1000)
        try:
            thread.start()
            before = count[0]
            scorer.step()
            after = count[0]
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            thread.join()
        assert after > before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_thousand_rounds_leak_nothing(tiny_model: TinyModel) -> None:
    path = tiny_model("llama")

    def rounds(n: int) -> None:
        for _ in range(n):
            with open_tiny(path, n_batch=32) as model:
                model.loglikelihood(PAIRS)

    rounds(100)
    gc.collect()
    before, files, threads = resident_bytes(), open_files(), threading.active_count()
    rounds(1000)
    gc.collect()
    # A round that lost its context or its logits would cost some hundred kilobytes.
    assert resident_bytes() - before < 1000 * 8192
    assert open_files() <= files  # fewer where threads of other tests have ended by now
    assert threading.active_count() <= threads


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_model_that_cannot_be_opened_leaves_nothing_behind(tiny_model: TinyModel) -> None:
    def objects_after(n: int) -> int:
        for _ in range(n):
            with pytest.raises(ModelError):
                Model(tiny_model("bert"), n_threads=1)
            with pytest.raises(UsageError):
                Model(tiny_model("llama"), n_ctx=1000, n_threads=1)
        gc.collect()
        return len(gc.get_objects())

    before = objects_after(1)  # modules that are imported at first use stay
    assert objects_after(5) < before + 5000


@pytest.mark.parametrize(
    "pairs",
    ["ab", b"ab", ["ab"], [("a",)], [("a", "b", "c")], [("a", 1)], [3], None, 5, {("a", "b")}],
)
def test_what_is_no_list_of_pairs(tiny_model: TinyModel, pairs: object) -> None:
    with open_tiny(tiny_model("llama")) as model:
        for use in (model.loglikelihood, model.encode):
            with pytest.raises(UsageError, match=r"; write loglikelihood\(\[\(\"The sky is\""):
                use(pairs)  # type: ignore[arg-type]
        listed = model.loglikelihood([["the", " sun"]])  # type: ignore[list-item]
        assert model.loglikelihood(pair for pair in [("the", " sun")]) == listed  # type: ignore[arg-type]


@pytest.mark.parametrize("texts", ["text", b"text", [3], [("a", "b")], None, {"a"}])
def test_what_is_no_list_of_texts(tiny_model: TinyModel, texts: object) -> None:
    with (
        open_tiny(tiny_model("llama")) as model,
        pytest.raises(UsageError, match=r"; write loglikelihood_rolling\(\["),
    ):
        model.loglikelihood_rolling(texts)  # type: ignore[arg-type]
