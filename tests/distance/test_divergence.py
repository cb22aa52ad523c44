"""Two models in lock step against the plain way: one window, one model, one row at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from perplexity_twin import Position, position, positions_of_text, statistics

import fastscore
from fastscore.distance import divergence, prompts_of
from fastscore.distance.divergence import Prompt
from fastscore.distance.values import Divergence
from fastscore.errors import MemoryLimitError, ModelError, UsageError
from fastscore.model import Model
from fastscore.model.lockstep import common_limits
from fastscore.types import Item, OpenItem
from models.fixtures import TinyModel
from models.llama import PlainLlama

TEXT = (
    "In spring the snow melts and the water is high; in summer the stones can be seen. Question: "
    "which of these is a source of energy for plants? A man who lives near the river knows. "
) * 3
NAMES = ("ppl", "ppl_base", "ln_ppl_ratio", "kld", "dp", "dp_rms", "same_top")


def open_tiny(path: Path, **options: Any) -> Model:
    return Model(path, **({"n_threads": 1, "exact": True} | options))


def measure(
    base: Path, candidate: Path, text: str | Path | Sequence[Prompt], n_ctx: int = 32, **how: Any
) -> Divergence:
    with open_tiny(base, **how) as one, open_tiny(candidate, **how) as other:
        return divergence(one, other, text, n_ctx=n_ctx, progress=False)


def assert_near(found: Divergence, expected: Sequence[Position]) -> None:
    """Tiny random models agree to some ten-thousandths however tokens are batched."""
    assert found.n == len(expected)
    for name, value in statistics(expected).items():
        one = getattr(found, name)
        numbers = value if isinstance(value, tuple) else (value,)
        assert (one.value, one.stderr)[: len(numbers)] == pytest.approx(
            numbers, rel=2e-3, abs=2e-5
        ), name


def test_every_family_as_one_window_at_a_time(tiny_model: TinyModel, family: str) -> None:
    base, candidate = tiny_model(family), tiny_model(family, seed=1)
    found = measure(base, candidate, TEXT)
    expected = positions_of_text(base, candidate, TEXT, 32)
    assert_near(found, expected)
    assert found.kld.value > 0.1  # the models do differ
    assert found.positions == "second half of each window"
    assert found.n == found.n_texts * 15


@pytest.mark.parametrize("family", ["llama", "gemma3", "mamba", "lfm2"])
def test_batches_and_rows_change_nothing(tiny_model: TinyModel, family: str) -> None:
    base = tiny_model(family, n_vocab=5000)  # 26 logit rows in 1 MiB
    candidate = tiny_model(family, seed=1, n_vocab=5000)
    expected = positions_of_text(base, candidate, TEXT, 40)
    for how in ({"n_batch": 32}, {"n_batch": 512}, {"n_batch": 512, "logits_mb": 1}):
        assert_near(measure(base, candidate, TEXT, 40, **how), expected)


def test_models_of_different_kinds_with_one_vocabulary(tiny_model: TinyModel) -> None:
    """A state can only be copied whole, so the attention model is treated so too."""
    attention, state = tiny_model("llama"), tiny_model("mamba")
    assert_near(measure(attention, state, TEXT), positions_of_text(attention, state, TEXT, 32))
    pairs: list[Prompt] = [(TEXT[:40], " the moon"), (TEXT[:40], " the sun"), ("A", " man")]
    found = measure(state, attention, pairs)
    assert found.n > 3
    assert found.kld.value > 0.1


@pytest.mark.parametrize("family", ["llama", "gemma3", "mamba2"])
def test_a_model_is_at_no_distance_from_itself(tiny_model: TinyModel, family: str) -> None:
    path = tiny_model(family)
    with open_tiny(path) as model, open_tiny(path) as again:
        found = divergence(model, model, TEXT, n_ctx=32, progress=False)
        twice = divergence(model, again, TEXT, n_ctx=32, progress=False)
    for one in (found, twice):
        assert one.kld.value == one.kld_quantiles["maximum"] == one.dp_rms.value == 0.0
        assert one.same_top.value == one.ppl_ratio.value == 1.0
    assert found.seconds["candidate"] == 0.0  # decoded once
    assert twice.seconds["candidate"] > 0.0


def test_continuations_as_scoring_has_them(tiny_model: TinyModel) -> None:
    base, candidate = tiny_model("llama_spm"), tiny_model("llama_spm", seed=1)
    pairs: list[Prompt] = [
        ("The river rises in", " the hills"),
        ("The river rises in", " the sea of stones"),
        ("Question: why?\nAnswer:", " the sun"),
        ("", "Water boils"),
    ]
    expected = []
    with (
        open_tiny(base) as model,
        open_tiny(candidate) as other,
        PlainLlama(base) as one,
        PlainLlama(candidate) as two,
    ):
        requests = model.encode(pairs)  # type: ignore[arg-type]
        for i in range(requests.n):
            context = requests.context(i).tolist()
            whole = [*context, *requests.continuation(i).tolist()]
            rows = one.alone(whole), two.alone(whole)
            expected += [
                position(rows[0][at - 1], rows[1][at - 1], whole[at])
                for at in range(len(context), len(whole))
            ]
        found = divergence(model, other, pairs, progress=False)
        base_sum = sum(score.logprob for score in model.loglikelihood(pairs))  # type: ignore[arg-type]
    assert_near(found, expected)
    assert found.positions == "continuations"
    assert found.source == "4 texts"
    assert found.ppl_base.value == pytest.approx(math.exp(-base_sum / found.n), rel=1e-4)


def test_whole_texts_and_what_they_share(tiny_model: TinyModel) -> None:
    base, candidate = tiny_model("llama"), tiny_model("llama", seed=1)
    texts: list[Prompt] = [TEXT[:200] + end for end in (" moon", " sun", " river")]
    with open_tiny(base) as model, open_tiny(candidate) as other:
        found = divergence(model, other, texts, progress=False)
        lengths = [len(model.tokenize(text)) for text in texts if isinstance(text, str)]
        mixed = divergence(model, other, [*texts, ("the", " sun")], progress=False)
    assert found.n == sum(lengths) - 3
    assert found.positions == "whole texts"
    assert found.tokens_decoded < max(lengths) + 12  # the beginning once
    assert mixed.positions == "mixed"
    assert mixed.n > found.n


def test_long_texts_lose_their_beginning(tiny_model: TinyModel) -> None:
    path = tiny_model("llama")
    with open_tiny(path, n_ctx=32) as model:
        found = divergence(model, model, [TEXT, "a short one"], progress=False)
        assert found.n_truncated == 1
        assert found.n == 32 + len(model.tokenize("a short one")) - 1


def test_a_text_is_plain(tiny_model: TinyModel) -> None:
    """What spells a special token in a text is no special token, as in llama-perplexity."""
    path = tiny_model("llama")
    with open_tiny(path) as model, PlainLlama(path) as plain:
        spelled = "the sun <|im_end|> is high"
        assert model.plain_ids(spelled) == plain.tokenize(spelled, special=False)
        assert model.plain_ids(spelled) != model.tokenize(spelled)


def test_a_file_ends_without_its_line_end(tiny_model: TinyModel, tmp_path: Path) -> None:
    path, file = tiny_model("llama"), tmp_path / "prose.txt"
    file.write_bytes(TEXT.encode() + b"\n")
    with open_tiny(path) as base, open_tiny(tiny_model("llama", seed=1)) as candidate:
        found = divergence(base, candidate, file, n_ctx=32, max_chunks=2, progress=False)
        expected = divergence(base, candidate, TEXT, n_ctx=32, max_chunks=2, progress=False)
    assert found.source == "prose.txt"
    assert found.n_texts == 2
    assert found.kld == expected.kld


def test_paths_are_opened_and_closed(tiny_model: TinyModel) -> None:
    base, candidate = tiny_model("llama"), tiny_model("llama", seed=1)
    found = fastscore.divergence(base, str(candidate), TEXT, n_ctx=32, progress=False)
    assert isinstance(found, fastscore.Divergence)
    assert (found.base, found.candidate) == (base.name, candidate.name)
    assert str(found)


@pytest.mark.parametrize(
    ("text", "n_ctx", "message"),
    [
        ("too short", 32, "the text has .* tokens, and windows of 32 need at least 64"),
        (TEXT, 512, "n_ctx is 512, and the models read texts of up to 256 tokens"),
        (TEXT, 1, "n_ctx is 1; a window has at least 3 tokens"),
        (Path("/no/such/file"), 32, "/no/such/file cannot be read: No such file"),
        ([], 32, "there is no text to compare the models on"),
        ([""], 32, "the texts have one token each"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tiny_model: TinyModel, text: Any, n_ctx: int, message: str
) -> None:
    with open_tiny(tiny_model("llama")) as model, pytest.raises(UsageError, match=message):
        divergence(model, model, text, n_ctx=n_ctx, progress=False)


def test_a_file_that_is_no_text(tiny_model: TinyModel, tmp_path: Path) -> None:
    file = tmp_path / "data.bin"
    file.write_bytes(b"abc\xff")
    with (
        open_tiny(tiny_model("llama")) as model,
        pytest.raises(UsageError, match="no UTF-8 text: byte 3 is 0xff"),
    ):
        divergence(model, model, file, n_ctx=32, progress=False)


def test_vocabularies_must_be_the_same(tiny_model: TinyModel) -> None:
    with (
        open_tiny(tiny_model("llama")) as base,
        open_tiny(tiny_model("llama", n_vocab=3000)) as larger,
        pytest.raises(UsageError, match=r"has .* tokens and .* has 3000; a distance needs two"),
    ):
        divergence(base, larger, TEXT, n_ctx=32, progress=False)
    with (
        open_tiny(tiny_model("llama", n_vocab=3000)) as bpe,
        open_tiny(tiny_model("llama_spm", n_vocab=3000)) as spm,
        pytest.raises(UsageError, match=r"token 0 is '.*' in llama.* and '.*' in llama_spm"),
    ):
        divergence(bpe, spm, TEXT, n_ctx=32, progress=False)


def test_windows_of_texts_must_be_cut_alike(tiny_model: TinyModel) -> None:
    path = tiny_model("llama")
    with (
        open_tiny(path) as base,
        open_tiny(path, n_ctx=64) as candidate,
        pytest.raises(UsageError, match="open both with n_ctx=64"),
    ):
        divergence(base, candidate, ["a text", "another"], progress=False)


def test_memory_of_both_contexts_is_counted(
    tiny_model: TinyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_model("llama")
    with open_tiny(path) as base, open_tiny(path) as candidate:
        requests = base.encode([("the sun", " is high")])
        limits = base.lock_step(candidate, requests).limits
        one = base._new_bytes(limits)
        assert one > 0
        monkeypatch.setattr("fastscore.model.lockstep.available_memory", lambda: 2 * one - 1)
        with pytest.raises(MemoryLimitError, match=r"running both models .* lower n_ctx or logits"):
            base.lock_step(candidate, requests)
        base.lock_step(base, requests)  # one context
        monkeypatch.setattr("fastscore.model.lockstep.available_memory", lambda: 2 * one)
        assert list(base.lock_step(candidate, requests))
        monkeypatch.setattr("fastscore.model.lockstep.available_memory", lambda: 0)
        base.lock_step(candidate, requests)  # those are open by now


@pytest.mark.parametrize(
    ("logits_mb", "alone", "each"),
    [(16, 419, 209), (4, 104, 78), (3, 78, 78), (1, 26, 26)],  # a row is 20,000 bytes, held twice
)
def test_logit_rows_share_the_budget(
    tiny_model: TinyModel, logits_mb: int, alone: int, each: int
) -> None:
    path = tiny_model("llama", n_vocab=5000)
    with open_tiny(path, logits_mb=logits_mb, n_batch=512) as model:
        limits = model._limits_within(100, 512, logits_mb)
        pair = common_limits(100, model._side(), model._side())[0]
    assert limits.n_rows == alone
    assert pair.n_rows == each


def test_interrupting_leaves_both_models_usable(tiny_model: TinyModel) -> None:
    pairs = [("the river", " rises"), ("the", " sun")]
    with (
        open_tiny(tiny_model("llama"), n_batch=32) as base,
        open_tiny(tiny_model("llama", seed=1), n_batch=32) as candidate,
    ):
        before = base.loglikelihood(pairs), candidate.loglikelihood(pairs)
        steps = []

        def interrupt(progress: fastscore.Progress) -> None:
            steps.append(progress.tokens_done)
            if len(steps) == 3:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            divergence(base, candidate, TEXT, n_ctx=32, progress=interrupt)
        assert steps == sorted(steps)
        assert len(steps) == 3
        assert (base.loglikelihood(pairs), candidate.loglikelihood(pairs)) == before
        divergence(base, candidate, TEXT, n_ctx=32, progress=False)


def test_one_run_at_a_time(tiny_model: TinyModel) -> None:
    path = tiny_model("llama")
    with open_tiny(path) as base, open_tiny(path) as candidate:
        requests = base.encode([("the sun", " is high")] * 3)
        run = base.lock_step(candidate, requests)
        assert sum(len(done.request) for done in run) == 3 * len(requests.continuation(0))
        with pytest.raises(RuntimeError, match="can be iterated once"):
            list(run)
        for _ in base.lock_step(candidate, requests):
            with pytest.raises(UsageError, match="a run of this model is under way"):
                candidate.loglikelihood([("a", " b")])
        candidate.close()
        with pytest.raises(ModelError, match="the model is closed"):
            base.lock_step(candidate, requests)


def test_progress_is_told_in_tokens_of_one_model(tiny_model: TinyModel) -> None:
    told: list[fastscore.Progress] = []
    path = tiny_model("llama")
    with open_tiny(path, n_batch=32) as model:
        found = divergence(model, model, TEXT, n_ctx=32, progress=told.append)
    assert told[-1].tokens_done == told[-1].tokens_total == found.tokens_decoded
    assert {one.task for one in told} == {"divergence"}


def test_prompts_of_items_are_their_right_answers() -> None:
    question = Item(0, ("Q: a or b? A:",), (" a", " b"), ("a", "b"), (1,))
    several = Item(1, ("Q:",), (" a", " b", " c"), ("a", "b", "c"), (0, 2))
    cloze = Item(2, ("the cat", "the dog"), (" ran", " ran"), ("cat", "dog"), (1,))
    free = OpenItem(3, "Write a poem:", ("\n",), 5, "roses")
    assert prompts_of([question, several, cloze, free]) == [
        ("Q: a or b? A:", " b"),
        ("Q:", " a"),
        ("Q:", " c"),
        ("the dog", " ran"),
        "Write a poem:",
    ]


def test_positions_are_in_the_order_of_the_texts(tiny_model: TinyModel) -> None:
    """The plan sorts by what texts share; quantiles do not tell, a pair of figures does."""
    with open_tiny(tiny_model("llama")) as base, open_tiny(tiny_model("llama", seed=1)) as other:
        pairs = [(f"the {w} is", f" {w} and {w}") for w in ("sun", "moon", "water", "sun", "cup")]
        requests = base.encode(pairs)
        values: dict[tuple[int, int], float] = {}
        for done in base.lock_step(other, requests):
            for request, step, logprob in zip(
                done.request.tolist(), done.step.tolist(), done.base_logprob.tolist(), strict=True
            ):
                assert (request, step) not in values
                values[request, step] = logprob
        sums = np.zeros(requests.n)
        for (request, _), logprob in values.items():
            sums[request] += logprob
        alone = [base.loglikelihood([pair])[0].logprob for pair in pairs]
    np.testing.assert_allclose(sums, alone, rtol=1e-4)
