"""A GGUF model, ready to score texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastscore.errors import UsageError
from fastscore.model.arguments import check_pairs, check_text, check_texts
from fastscore.model.generating import GREEDY, Generating
from fastscore.model.generation import GenerationRun
from fastscore.model.grammar import gbnf
from fastscore.model.lockstep import LockStepRun
from fastscore.model.opened import OpenedModel
from fastscore.model.run import ScoringRun
from fastscore.model.same_vocabulary import check_same_vocabulary
from fastscore.model.sampling import check_requests, check_sampling
from fastscore.model.settings import (
    NATIVE,
    WeightMode,
)
from fastscore.tokenise import (
    EncodedRequests,
    encode_pairs,
    encode_prompts,
    encode_text,
    encode_windows,
    rolling_windows,
)
from fastscore.types import GenerationRequest, Likelihood, Sampling


class Model(OpenedModel, Generating):
    """A GGUF model opened by llama.cpp, as a context manager.

    Parameters
    ----------
    path
        A GGUF file, ``"demo"`` (SmolLM2-135M-Instruct from PyPI), or ``"hf://owner/repo/file.gguf"``.
    n_ctx
        The window in tokens; longer requests lose tokens from the left, as in
        lm-evaluation-harness. Default: the length the model was trained with, for LongRoPE models
        (Phi-3, MiniCPM) the one before it was extended, as longer texts need other rotary factors.
        Memory is only taken for what the requests need.
    n_gpu_layers
        Layers to put on the GPU; -1 for all. Without a GPU build of llama-cpp-python: none.
    n_threads
        Threads of a decode. Default: the physical cores.
    n_batch
        Tokens a decode step. Default: 128 on a CPU, 2048 on a GPU.
    logits_mb
        Most memory for logit rows, in MiB.
    exact
        Keep the KV cache in F32 and compute attention without flash kernels, which round keys and
        values to F16. Default: for files whose weights are not quantised. A quantised file rounds
        its activations some hundred times more coarsely, so there it would cost time for nothing.
    tokenizer
        A Hugging Face ``tokenizer.json`` to use instead of the tokenizer in the file.
    tune
        Measure which thread count and batch size are quickest here, once per model and machine.
    weights
        ``"fast"`` runs the weights in the type that is quickest here among those that hold them as
        precisely as the file (BF16, F16, Q8_0, F32): found by a short measurement and re-encoded
        into the user's cache, once per model and machine. ``choice`` says what came of it, and
        ``exact`` is by default what it is for the file. ``"native"`` runs the file as it is.

    Raises
    ------
    ModelError, MemoryLimitError, EngineMismatchError, UsageError

    """

    def __init__(
        self,
        path: str | Path,
        n_ctx: int | None = None,
        n_gpu_layers: int = -1,
        n_threads: int | None = None,
        *,
        n_batch: int | None = None,
        logits_mb: int = 128,
        exact: bool | None = None,
        tokenizer: str | Path | None = None,
        tune: bool = False,
        weights: WeightMode = "native",
    ) -> None:
        if not isinstance(tune, bool):
            raise UsageError(f"tune is {tune!r:.60}; give True or False")
        super().__init__(
            path,
            n_ctx,
            n_gpu_layers,
            n_threads,
            n_batch=n_batch,
            logits_mb=logits_mb,
            exact=exact,
            tokenizer=tokenizer,
            weights=weights,
        )
        if tune:
            self._tune(n_threads is None, n_batch is None)

    def native(self) -> Model:
        """Open the model once more, with the weights of its file and otherwise the same settings.

        Raises MemoryLimitError where both do not fit.
        """
        settings = self.settings
        other = Model(
            self.located.path,
            settings.max_length,
            settings.n_gpu_layers,
            settings.n_threads,
            tokenizer=self._tokenizer_file,
        )
        other.use(replace(settings, weights=NATIVE))
        return other

    def _tune(self, threads: bool, batch: bool) -> None:
        from fastscore.model.tuning import tuned

        settings = self.settings
        try:
            tuned(
                self,
                None if threads else settings.n_threads,
                None if batch else settings.n_batch,
            )
        except BaseException:
            self.close()
            raise

    def metadata(self) -> dict[str, str]:
        """All scalar metadata of the file, as text."""
        with self._lock:
            return self._weights.metadata()

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text, BOS in front where the model's tokenizer says so."""
        self._check_open()
        check_text(text, "text")
        return encode_text(text, self._tokenizer.encode, self._tokenizer.policy).tolist()  # type: ignore[no-any-return]

    def plain_ids(self, text: str) -> list[int]:
        """Token ids of a text in which nothing is a special token, without BOS in front."""
        self._check_open()
        check_text(text, "text")
        return self._tokenizer.encode_plain([text])[0].tolist()  # type: ignore[no-any-return]

    @property
    def bos_in_front(self) -> int | None:
        """The token that texts begin with where the model's tokenizer says so, else None."""
        policy = self._tokenizer.policy
        return policy.bos if policy.add_bos else None

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """What each token spells, special tokens included; not always whole characters."""
        with self._lock:
            return self._weights.pieces(ids)

    @property
    def control_texts(self) -> frozenset[str]:
        """How special tokens are spelled: texts that a tokenizer takes for more than text."""
        with self._lock:
            self._check_open()
            return self._weights.control_texts

    def encode(self, pairs: Sequence[tuple[str, str]]) -> EncodedRequests:
        """Token ids of (context, continuation) pairs, by lm-evaluation-harness's conventions."""
        self._check_open()
        return encode_pairs(
            check_pairs(pairs),
            self._tokenizer.encode,
            self._tokenizer.policy,
            self.settings.max_length,
        )

    def scoring(
        self,
        requests: EncodedRequests,
        subset: npt.NDArray[np.int64] | None = None,
        *,
        keep_tokens: bool = False,
    ) -> ScoringRun:
        """Plan the scoring of ``requests``, or of those with the numbers ``subset``.

        Nothing is decoded before the run is iterated. ``keep_tokens`` keeps the value of each
        token beside the sums. Raises MemoryLimitError when the context would not fit.
        """
        self._check_open()
        which = np.arange(requests.n, dtype=np.int64) if subset is None else subset
        return ScoringRun(
            requests,
            np.ascontiguousarray(which, dtype=np.int64),
            self._limits,
            self._decoder,
            self._exclusive,
            self._pool,
            keep_tokens,
        )

    def lock_step(self, candidate: Model, requests: EncodedRequests) -> LockStepRun:
        """Plan a run of this model, the base, and ``candidate`` over the same requests.

        Nothing is decoded before the run is iterated. ``candidate`` may be this very model. Raises
        UsageError where the vocabularies differ, MemoryLimitError when the contexts would not fit.
        """
        with ExitStack() as stack:
            # Two threads that want the same two models must ask for them in the same order.
            for model in sorted({self, candidate}, key=id):
                stack.enter_context(model._lock)
                model._check_open()
            if candidate is not self:
                check_same_vocabulary(self._weights, candidate._weights)
        return LockStepRun(requests, self._side(), candidate._side(), self._pool)

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """Log-likelihood of each continuation after its context.

        The numbers are those of lm-evaluation-harness: sums of natural log-probabilities. What
        the pairs have in common is decoded once.
        """
        return self._score(self.encode(pairs))

    def loglikelihood_rolling(self, texts: Sequence[str]) -> list[float]:
        """Log-likelihood of whole texts, each token scored once, in windows as lm-eval cuts them.

        ``exp(-value / n_tokens)`` is the perplexity by token. An empty text has 0.
        """
        self._check_open()
        texts = check_texts(texts, "loglikelihood_rolling")
        policy = self._tokenizer.policy
        windows, owner = [], []
        for i, text in enumerate(texts):
            ids = encode_text(text, self._tokenizer.encode, policy)
            for window in rolling_windows(ids, policy.prefix_token, self.settings.max_length):
                windows.append(window)
                owner.append(i)
        scored = self._score(encode_windows(windows, self.settings.max_length))
        totals = [0.0] * len(texts)
        for i, likelihood in zip(owner, scored, strict=True):
            totals[i] += likelihood.logprob
        return totals

    def generating(
        self,
        requests: Sequence[GenerationRequest],
        sampling: Sampling = GREEDY,
        *,
        grammar: str | None = None,
        json_schema: Mapping[str, Any] | str | None = None,
        n_parallel: int | None = None,
    ) -> GenerationRun:
        """Plan the samples that ``requests`` ask for; `generate` says what the options mean.

        Nothing is decoded before the run is iterated. Raises MemoryLimitError when the context
        would not fit, UsageError for what cannot be generated.
        """
        self._check_open()
        check_sampling(sampling)
        check_requests(requests, self.settings.max_length)
        rules = gbnf(grammar, json_schema)
        prompts = encode_prompts(
            [request.prompt for request in requests],
            [self.settings.max_length - request.max_tokens for request in requests],
            self._tokenizer.encode,
            self._tokenizer.policy,
        )
        with self._lock:
            self._check_open()
            pieces = self._weights.token_pieces
            parsed = None if rules is None else self._weights.grammar(rules)
        return GenerationRun(
            requests,
            prompts,
            sampling,
            parsed,
            self.info.eos_text,
            partial(self._generation_limits, n_parallel=n_parallel),
            self._decoder,
            self._exclusive,
            self._pool,
            pieces,
        )

    def _score(self, requests: EncodedRequests) -> list[Likelihood]:
        found: list[Likelihood | None] = [None] * requests.n
        for done in self.scoring(requests):
            for i, logprob, greedy, n in zip(
                done.index.tolist(),
                done.logprob.tolist(),
                done.is_greedy.tolist(),
                done.n_tokens.tolist(),
                strict=True,
            ):
                found[i] = Likelihood(logprob, greedy, n)
        complete = [likelihood for likelihood in found if likelihood is not None]
        if len(complete) != requests.n:
            raise RuntimeError(f"{requests.n - len(complete)} requests were left out by the plan")
        return complete
