"""Tokens are drawn as llama.cpp's own samplers draw them, from a seed of the sample's own."""

from __future__ import annotations

import ctypes
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from gguf import GGUFReader

from fastscore.model import GenerationRequest, Sampling
from models.fixtures import TinyModel
from models.llama import Entry, PlainLlama

from .engine import open_tiny
from .plain_generation import text_of

_MASK = 2**64 - 1


def sample_seed(seed: int, prompt: Sequence[int], number: int) -> int:
    """SplitMix64 over the run's seed, the prompt and the number of the sample."""

    def mix(x: int) -> int:
        x = (x + 0x9E3779B97F4A7C15) & _MASK
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
        return x ^ (x >> 31)

    state = mix(seed)
    for token in prompt:
        state = mix(state ^ token)
    folded = mix(state ^ number) >> 32
    return 0 if folded == 2**32 - 1 else folded


def drawn(
    plain: PlainLlama, prompt: list[int], sampling: Sampling, number: int, max_tokens: int
) -> str:
    """One sample, decoded alone, by llama_cpp's own sampler functions."""
    api = llama_cpp
    chain = api.llama_sampler_chain_init(api.llama_sampler_chain_default_params())
    if sampling.repeat_penalty != 1:
        penalties = api.llama_sampler_init_penalties(
            plain.n_vocab, 64, sampling.repeat_penalty, 0.0, 0.0
        )
        for token in prompt:
            api.llama_sampler_accept(penalties, token)
        api.llama_sampler_chain_add(chain, penalties)
    if sampling.temperature == 0:
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_greedy())
    else:
        seed = sample_seed(sampling.seed, prompt, number)
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_top_k(sampling.top_k))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_top_p(sampling.top_p, 1))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_min_p(sampling.min_p, 1))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_temp(sampling.temperature))
        api.llama_sampler_chain_add(chain, api.llama_sampler_init_dist(seed))
    api.llama_memory_clear(plain.memory, True)
    entries = [Entry(token, i, output=i + 1 == len(prompt)) for i, token in enumerate(prompt)]
    tokens: list[int] = []
    while len(tokens) < max_tokens:
        code, rows = plain.decode(entries)
        assert code == 0
        candidates = (api.llama_token_data * plain.n_vocab)()
        values = np.ctypeslib.as_array(candidates)
        values["id"], values["logit"] = np.arange(plain.n_vocab), rows[-1]
        array = api.llama_token_data_array(
            ctypes.cast(candidates, api.llama_token_data_p), plain.n_vocab, -1, False
        )
        api.llama_sampler_apply(chain, ctypes.byref(array))
        token = array.data[array.selected].id
        api.llama_sampler_accept(chain, token)
        if api.llama_vocab_is_eog(plain.vocab, token):
            break
        tokens.append(token)
        entries = [Entry(token, len(prompt) + len(tokens) - 1)]
    api.llama_sampler_free(chain)
    return text_of(plain, tokens)


SAMPLINGS = [
    Sampling(temperature=1.0),
    Sampling(temperature=0.7, top_k=20, seed=5),
    Sampling(temperature=1.3, top_p=0.9, seed=2**64 - 1),
    Sampling(temperature=1.3, min_p=0.05),
    Sampling(temperature=0.8, top_k=50, top_p=0.95, min_p=0.01, repeat_penalty=1.3, seed=0),
    Sampling(repeat_penalty=1.5),
]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("family", ["llama", "gemma2", "lfm2"])
def test_tokens_are_drawn_as_llama_cpp_draws_them(
    tiny_model: TinyModel, family: str, sampling: Sampling
) -> None:
    # A vocabulary of more than 1,024 tokens, where llama.cpp sorts only a part of it.
    path = tiny_model(family, n_vocab=1500)
    prompts = ["the river", "the river runs to the sea", "Question: which of these"]
    numbers = (0, 3, 2**40)
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        ids = [model.tokenize(prompt) for prompt in prompts]
        run = model.generating(
            [GenerationRequest(prompt, numbers, max_tokens=12) for prompt in prompts], sampling
        )
        found = {(done.request, done.sample): done.generation.text for step in run for done in step}
        expected = {
            (r, number): drawn(plain, ids[r], sampling, number, 12)
            for r in range(len(prompts))
            for number in numbers
        }
    assert len(set(expected.values())) >= (3 if sampling.temperature == 0 else 6)
    # A random number next to the border of two tokens may fall on either side of it.
    assert sum(found[key] == expected[key] for key in expected) >= len(expected) - 1


@pytest.fixture
def undecided(tiny_model: TinyModel, tmp_path: Path) -> Path:
    """A model to which every token is as likely as any other."""
    path = tmp_path / "undecided.gguf"
    shutil.copy(tiny_model("llama"), path)
    (output,) = [t for t in GGUFReader(path, "r+").tensors if t.name == "output.weight"]
    output.data[:] = 0
    return path


@pytest.mark.parametrize("options", [{}, {"repeat_penalty": 1.5}])
def test_greedy_takes_the_lowest_id_of_equals(undecided: Path, options: dict[str, float]) -> None:
    with open_tiny(undecided) as model:
        (written,) = model.generate("the", max_tokens=3, **options)
        assert (written.text, written.n_tokens) == ("", 3)  # of token 0, which is a mark
        (written,) = model.generate("the", max_tokens=3, grammar="root ::= [c-z] [a-c]", **options)
        assert written.text == "ca"


def test_sampling_gives_equals_equal_chances(undecided: Path) -> None:
    with open_tiny(undecided) as model:
        texts = model.generate(
            "the", n=3000, max_tokens=2, temperature=0.5, grammar="root ::= [a-e]"
        )
    counts = Counter(written.text for written in texts)
    assert set(counts) == set("abcde")
    # Of 3,000 draws of probability 1/5 the standard deviation is 22.
    assert all(abs(n - 600) < 5 * 22 for n in counts.values())


def test_samples_are_different_and_seeds_matter(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("qwen3")) as model:
        first = model.generate("the sun", n=30, max_tokens=6, temperature=1.5)
        again = model.generate("the sun", n=30, max_tokens=6, temperature=1.5)
        other = model.generate("the sun", n=30, max_tokens=6, temperature=1.5, seed=99)
    assert [one.text for one in first] == [one.text for one in again]
    assert len({one.text for one in first}) > 25
    assert not {one.text for one in first} & {one.text for one in other}


def test_equal_prompts_are_read_once_and_draw_the_same(tiny_model: TinyModel) -> None:
    with open_tiny(tiny_model("llama"), exact=True) as model:
        prompt = "the moon is made of"
        run = model.generating(
            [GenerationRequest(prompt, (0, 1), (), 5 + i) for i in range(3)],
            Sampling(temperature=1.5),
        )
        assert run.tokens_prefill_planned == len(model.tokenize(prompt))
        found = {(d.request, d.sample): d.generation.text for step in run for d in step}
    for sample in (0, 1):
        assert found[2, sample].startswith(found[0, sample])
        assert found[2, sample].startswith(found[1, sample])


def test_leaving_out_negligible_tokens_changes_no_draw(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    # Logits as far apart as those of a trained model: most tokens are out of the sampler's reach.
    path = tmp_path / "decided.gguf"
    shutil.copy(tiny_model("llama", n_vocab=1500), path)
    (output,) = [t for t in GGUFReader(path, "r+").tensors if t.name == "output.weight"]
    output.data[:] *= 4
    del output  # the file is complete once it is no longer mapped
    prompt, numbers = "the river runs", range(20)
    samplings = [
        Sampling(temperature=1.0),
        Sampling(temperature=4.0),  # brings the improbable back
        Sampling(temperature=0.5, top_k=300),
        Sampling(temperature=4.0, top_p=0.999),
        Sampling(temperature=4.0, min_p=1e-6),
        Sampling(temperature=4.0, repeat_penalty=1.3),
    ]
    with open_tiny(path, exact=True) as model, PlainLlama(path) as plain:
        ids = model.tokenize(prompt)
        _, rows = plain.decode([Entry(t, i, output=True) for i, t in enumerate(ids)])
        assert np.mean(rows[-1] < rows[-1].max() - np.log(1e6 * 1500)) > 0.5
        for sampling in samplings:
            (request,) = [GenerationRequest(prompt, tuple(numbers), max_tokens=8)]
            found = {
                done.sample: done.generation.text
                for step in model.generating([request], sampling)
                for done in step
            }
            expected = {number: drawn(plain, ids, sampling, number, 8) for number in numbers}
            # A random number next to the border of two tokens may fall on either side of it.
            assert sum(found[k] == expected[k] for k in numbers) >= len(numbers) - 1, sampling


@pytest.fixture
def one_favourite(tiny_model: TinyModel, tmp_path: Path) -> Callable[[str, float], Path]:
    """Make a model that always has one token ``distance`` above all the others."""

    def write(token: str, distance: float) -> Path:
        path = tmp_path / "favourite.gguf"
        shutil.copy(tiny_model("llama"), path)
        reader = GGUFReader(path, "r+")
        (index,) = [i for i, t in enumerate(_vocabulary(reader)) if t == token]
        for tensor in reader.tensors:
            if tensor.name.endswith(("attn_output.weight", "ffn_down.weight")):
                tensor.data[:] = 0  # no layer adds anything to the embedding, which is all ones
            elif tensor.name in ("token_embd.weight", "output_norm.weight"):
                tensor.data[:] = 1
            elif tensor.name == "output.weight":
                tensor.data[:] = 0
                tensor.data[index] = distance / tensor.data.shape[1]
        return path

    return write


def _vocabulary(reader: GGUFReader) -> list[str]:
    return list(reader.fields["tokenizer.ggml.tokens"].contents())


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0),
        Sampling(temperature=0.25),
        Sampling(temperature=4.0),
        Sampling(temperature=4.0, min_p=1e-30),
        Sampling(temperature=0.25, top_p=1 - 2**-24),
    ],
    ids=str,
)
def test_tokens_that_matter_together_are_drawn_however_improbable_each_is(
    one_favourite: Callable[[str, float], Path], sampling: Sampling
) -> None:
    with open_tiny(one_favourite("c", 1.0)) as model:
        others = model.info.n_vocab - 1
    share = 0.01  # of all others together
    distance = sampling.temperature * np.log(others * (1 - share) / share)
    with open_tiny(one_favourite("c", distance)) as model:
        (run,) = [model.generating([GenerationRequest("a", tuple(range(4000)), (), 1)], sampling)]
        n_others = sum(done.generation.text != "c" for step in run for done in step)
    # The standard deviation of 4,000 draws of probability 0.01 is 6.3.
    assert abs(n_others - 40) < 5 * 6.3
