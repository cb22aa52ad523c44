"""A model that computes nothing: likelihoods and texts follow from the token ids by a hash.

It stands in for `fastscore.Model` where a test is about everything around the engine. Token ids
come from fastscore's own rules with a tokenizer of words; the numbers depend on all ids of a
request and on nothing else, as a real model's do, and so do the texts, which beside that depend on
the sampling and the sample's number.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastscore.model import Completed, EngineSettings, Limits, ModelInfo, Work
from fastscore.model.generation_limits import GenerationLimits
from fastscore.model.locate import Located
from fastscore.tokenise import BosPolicy, EncodedRequests, Ids, encode_pairs
from fastscore.types import Finished, Generation, GenerationRequest, Likelihood, Sampling

N_VOCAB = 50_000
_WORD = re.compile(r"\s*\S+|\s+")


def _encode(texts: Sequence[str]) -> list[Ids]:
    return [
        np.array([zlib.crc32(word.encode()) % N_VOCAB for word in _WORD.findall(text)], np.int32)
        for text in texts
    ]


def _likelihood(context: Ids, continuation: Ids) -> Likelihood:
    text = context.tobytes() + b"|" + continuation.tobytes()
    number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
    return Likelihood(-1 - (number % 2**40) / 2**36, number % 3 == 0, len(continuation))


def echo(prompt: str, number: int) -> str:
    """Write a text that names the sample."""
    return f"text {number} after {len(prompt)} characters"


class FakeModel:
    """What `evaluate` uses of a Model.

    ``n_scored`` counts the requests that went through the engine, ``n_written`` the texts.
    ``stop_after`` makes Ctrl-C land after so many of them. ``write`` gives the text of a prompt
    and a sample's number.
    """

    def __init__(
        self,
        *,
        fingerprint: str = "fake",
        chat_template: str | None = None,
        max_length: int = 100_000,
        stop_after: int | None = None,
        write: Callable[[str, int], str] = echo,
    ) -> None:
        self.fingerprint = fingerprint
        self.located = Located(Path("fake.gguf"), "fake.gguf")
        self.policy = BosPolicy(add_bos=True, bos=1, eos=2, bos_text="<s>")
        self.stop_after = stop_after
        self.write = write
        self.choice = None
        self.n_scored = 0
        self.n_written = 0
        self.samplings: list[Sampling] = []
        self.pairs: list[tuple[str, str]] = []
        self.info = ModelInfo(
            path="fake.gguf",
            name="Fake",
            architecture="none",
            description="none Q0",
            quantisation="Q0",
            kind="attention",
            n_params=1,
            file_bytes=1000,
            weights_bytes=900,
            n_vocab=N_VOCAB,
            n_ctx_train=max_length,
            n_layers=1,
            n_heads=1,
            kv_bytes_per_token=4,
            add_bos=True,
            bos=1,
            eos=2,
            bos_text="<s>",
            eos_text="</s>",
            chat_template=chat_template,
            full_precision=True,
        )
        self.settings = EngineSettings(
            max_length=max_length,
            n_batch=512,
            n_threads=1,
            n_gpu_layers=0,
            logits_mb=1,
            exact=False,
            tokenizer="words",
            bos=self.policy.describe(),
            backends=("none",),
            llama_cpp="0",
        )

    @property
    def weight_bytes(self) -> int:
        return self.info.file_bytes

    def encode(self, pairs: Sequence[tuple[str, str]]) -> EncodedRequests:
        self.pairs.extend(pairs)
        return encode_pairs(pairs, _encode, self.policy, self.settings.max_length)

    def loglikelihood(self, pair: tuple[str, str]) -> Likelihood:
        """What a run must give for one pair, computed apart from it."""
        requests = encode_pairs([pair], _encode, self.policy, self.settings.max_length)
        return _likelihood(requests.context(0), requests.continuation(0))

    def scoring(
        self, requests: EncodedRequests, subset: npt.NDArray[np.int64] | None = None
    ) -> FakeRun:
        which = np.arange(requests.n) if subset is None else subset
        return FakeRun(self, requests, which)

    def tokenize(self, text: str) -> list[int]:
        return [self.policy.bos or 0, *_encode([text])[0].tolist()]

    def generating(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling,
        *,
        n_parallel: int | None = None,
    ) -> FakeGenerationRun:
        self.samplings.append(sampling)
        return FakeGenerationRun(self, requests)


class FakeGenerationRun:
    """Two texts a step, the last ones first, with steps between in which none ends."""

    def __init__(self, model: FakeModel, requests: Sequence[GenerationRequest]) -> None:
        self._model = model
        self._requests = requests
        self.tokens_generated = 0
        self.prompt_tokens_decoded = 0
        self.tokens_prefill_planned = sum(len(model.tokenize(one.prompt)) for one in requests)
        self.tokens_repeated = 0
        self.n_samples = sum(len(one.samples) for one in requests)
        self.n_truncated = 0
        self.seconds = {"prefill": 0.0, "decode": 0.0, "sample": 0.0}
        context = Limits(n_batch=512, n_cells=512, n_seqs=8, n_rows=8, sharing="prefix")
        self.limits = GenerationLimits(context, n_running=2, n_ready=1, n_checkpoints=0)

    def __iter__(self) -> Iterator[list[Finished]]:
        model = self._model
        wanted = [(i, n) for i, one in enumerate(self._requests) for n in one.samples][::-1]
        self.prompt_tokens_decoded = self.tokens_prefill_planned
        for begin in range(0, len(wanted), 2):
            if model.stop_after is not None and model.n_written >= model.stop_after:
                raise KeyboardInterrupt
            yield []
            step = [Finished(i, n, self._text(self._requests[i], n)) for i, n in wanted[begin:][:2]]
            model.n_written += len(step)
            self.tokens_generated += sum(one.generation.n_tokens for one in step)
            self.seconds["decode"] += 0.25
            yield step

    def _text(self, request: GenerationRequest, number: int) -> Generation:
        """End as the engine does: at a stop text, else cut at the most tokens, one a word."""
        model = self._model
        text = model.write(request.prompt, number)
        n_prompt = len(model.tokenize(request.prompt))
        ends = [text.find(stop) for stop in request.stop if stop in text]
        if ends:
            text = text[: min(ends)]
        words = _WORD.findall(text)
        if len(words) >= request.max_tokens:
            cut = "".join(words[: request.max_tokens])
            return Generation(cut, "length", n_prompt, request.max_tokens, 0.5)
        return Generation(text, "stop" if ends else "eos", n_prompt, len(words) + 1, 0.5)


class FakeRun:
    """Seven requests a step, the last ones first, as no caller may rely on an order."""

    def __init__(
        self, model: FakeModel, requests: EncodedRequests, which: npt.NDArray[Any]
    ) -> None:
        self._model = model
        self._requests = requests
        self._which = which[::-1]
        self.tokens_decoded = 0
        self.seconds = {"plan": 0.0, "decode": 0.0, "log_softmax": 0.0}
        self.limits = Limits(n_batch=512, n_cells=512, n_seqs=8, n_rows=8, sharing="prefix")
        tokens = sum(map(self._tokens, which.tolist()))
        self.work = Work(
            n_requests=len(which),
            tokens=tokens,
            tokens_minimal=tokens,
            tokens_naive=tokens,
            tokens_repeated=0,
            logit_rows=len(which),
            steps=-(-len(which) // 7),
        )

    def __iter__(self) -> Iterator[Completed]:
        for begin in range(0, len(self._which), 7):
            model = self._model
            if model.stop_after is not None and model.n_scored >= model.stop_after:
                raise KeyboardInterrupt
            index = self._which[begin : begin + 7]
            found = [
                _likelihood(self._requests.context(i), self._requests.continuation(i))
                for i in index.tolist()
            ]
            model.n_scored += len(index)
            self.tokens_decoded += sum(map(self._tokens, index.tolist()))
            yield Completed(
                index.astype(np.int64),
                np.array([one.logprob for one in found]),
                np.array([one.is_greedy for one in found], np.bool_),
                np.array([one.n_tokens for one in found], np.int32),
            )

    def _tokens(self, request: int) -> int:
        return len(self._requests.context(request)) + len(self._requests.continuation(request))
