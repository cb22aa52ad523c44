"""However samples are scheduled, each text is what its prompt leads to alone."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from fastscore import _core
from fastscore.model import GenerationRequest, Model, Sampling, generation_limits
from fastscore.types import Generation
from models.fixtures import TinyModel
from models.llama import PlainLlama

from .engine import open_tiny, words
from .plain_generation import greedy

# Logits of unquantised weights and an F32 cache are equal to about 1e-5 however they are batched,
# those of GELU models to 1e-3, whose activations ggml looks up in a table of F16.
_TIE = 0.003

# Ways to run the same samples: batch, samples at a time, cells beside the least.
_SCHEDULES = [(128, 16, 10_000), (32, 3, 0), (32, 1, 0), (64, 5, 40)]


def _prompts() -> list[str]:
    """Shared headers of two lengths, beginnings of each other, equal ones, and short ones."""
    rng = random.Random(3)
    header = words(rng, 25)
    deeper = f"{header}\n\n{words(rng, 12)}"
    prompts = [f"{header} {words(rng, rng.randint(1, 6))}" for _ in range(4)]
    prompts += [f"{deeper} {words(rng, rng.randint(1, 6))}" for _ in range(4)]
    prompts += [header, deeper, header, deeper + " the", "the moon", "water"]
    rng.shuffle(prompts)
    return prompts


@pytest.fixture
def least_cells(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Give every run the least cells and a few more: ``least_cells["spare"] = 0``."""
    spare = {"spare": 0}

    def cells(_info: object, _settings: object, order: _core.PromptOrder, *_: int) -> int:
        return order.least_cells + spare["spare"]

    monkeypatch.setattr(generation_limits, "_cells", cells)
    monkeypatch.setattr(generation_limits, "padded", lambda n: n)
    return spare


def test_greedy_texts_are_those_of_each_prompt_alone(
    tiny_model: TinyModel, family: str, least_cells: dict[str, int]
) -> None:
    path = tiny_model(family)
    prompts = _prompts()
    lengths = [3 + i % 12 for i in range(len(prompts))]
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        expected = [
            greedy(plain, model.tokenize(prompt), most)
            for prompt, most in zip(prompts, lengths, strict=True)
        ]
        clear = [i for i, written in enumerate(expected) if written.least_gap > _TIE]
        assert len(clear) >= len(prompts) - 2
    for n_batch, n_parallel, spare in _SCHEDULES:
        least_cells["spare"] = spare
        with open_tiny(path, exact=True, n_batch=n_batch) as model:
            run = model.generating(
                [
                    GenerationRequest(prompt, (0, 1), max_tokens=most)
                    for prompt, most in zip(prompts, lengths, strict=True)
                ],
                n_parallel=n_parallel,
            )
            found = finish(run)
            for i in clear:
                for sample in (0, 1):
                    got = found[i, sample]
                    assert got.text == expected[i].text, (i, n_batch, n_parallel)
                    assert got.n_tokens == len(expected[i].tokens)
                    assert got.finish_reason == ("eos" if expected[i].ended else "length")
            assert run.tokens_prefill_planned == run.prompt_tokens_decoded - run.tokens_repeated
            if model.info.kind in ("attention", "sliding-window"):
                assert run.tokens_repeated == 0


def test_drawn_texts_do_not_depend_on_the_batch(
    tiny_model: TinyModel, family: str, least_cells: dict[str, int]
) -> None:
    prompts = _prompts()
    sampling = Sampling(temperature=1.5, top_p=0.95, seed=7)
    texts: list[dict[tuple[str, int], str]] = []
    for n_batch, n_parallel, spare in _SCHEDULES:
        least_cells["spare"] = spare
        with open_tiny(tiny_model(family), exact=True, n_batch=n_batch) as model:
            order = random.Random(n_parallel).sample(range(len(prompts)), len(prompts))
            requests = [GenerationRequest(prompts[i], (0, 1, 2), max_tokens=9) for i in order]
            found = finish(model.generating(requests, sampling, n_parallel=n_parallel))
        texts.append(
            {(prompts[order[r]], sample): done.text for (r, sample), done in found.items()}
        )
    first = texts[0]
    assert len(set(first.values())) > len(first) // 3  # samples differ from each other
    for other in texts[1:]:
        same = [first[key] == other[key] for key in first]
        # A random number may fall next to the border between two tokens.
        assert np.mean(same) > 0.97
    assert first.keys() == texts[-1].keys()


def finish(run: object) -> dict[tuple[int, int], Generation]:
    found = {}
    for step in run:  # type: ignore[attr-defined]
        for done in step:
            assert (done.request, done.sample) not in found
            found[done.request, done.sample] = done.generation
    return found


def test_a_subset_of_the_samples_has_the_texts_of_the_whole(tiny_model: TinyModel) -> None:
    prompts = _prompts()[:5]
    sampling = Sampling(temperature=0.9, seed=11)
    with open_tiny(tiny_model("qwen2"), exact=True) as model:
        whole = finish(
            model.generating(
                [GenerationRequest(p, tuple(range(6)), max_tokens=8) for p in prompts], sampling
            )
        )
        for samples in ((4,), (5, 0), (2, 3)):
            part = finish(
                model.generating(
                    [GenerationRequest(p, samples, max_tokens=8) for p in prompts[1:3]], sampling
                )
            )
            assert {(r + 1, s): done.text for (r, s), done in part.items()} == {
                key: done.text
                for key, done in whole.items()
                if key[0] in (1, 2) and key[1] in samples
            }


def test_scoring_and_generating_take_turns(tiny_model: TinyModel, family: str) -> None:
    pairs = [("the river runs", " to the sea"), ("the moon", " is high")]
    with open_tiny(tiny_model(family), exact=True) as model:
        before = model.loglikelihood(pairs)
        texts = model.generate(["the river", "water"], max_tokens=6)
        assert model.loglikelihood(pairs) == before
        assert [t.text for [t] in model.generate(["the river", "water"], max_tokens=6)] == [
            t.text for [t] in texts
        ]


def test_a_window_is_kept_however_long_the_text(tiny_model: TinyModel) -> None:
    """Prompts far beyond a sliding window of 8, branched from after long samples."""
    path: Path = tiny_model("gemma3", window=8)
    trunk = "the water runs to the sea " * 8
    prompts = [trunk + "and " * i for i in range(8)] + [trunk[: 26 * k] for k in range(8, 0, -1)]
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        expected = [greedy(plain, model.tokenize(prompt), 40) for prompt in prompts]
    for n_batch, n_parallel in ((128, 8), (32, 2)):
        with Model(path, n_threads=1, exact=True, n_batch=n_batch) as model:
            found = model.generate(prompts, max_tokens=40, n_parallel=n_parallel)
            for [got], want in zip(found, expected, strict=True):
                if want.least_gap > _TIE:
                    assert got.text == want.text
