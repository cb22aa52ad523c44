"""A GGUF model, ready to score texts."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastscore import _core
from fastscore.errors import ModelError
from fastscore.model import library
from fastscore.model.arguments import check_pairs, check_texts
from fastscore.model.contexts import Contexts
from fastscore.model.exclusive import Exclusive
from fastscore.model.fingerprint import fingerprint
from fastscore.model.generating import GREEDY, Generating
from fastscore.model.generation import GenerationRun
from fastscore.model.generation_limits import GenerationLimits
from fastscore.model.grammar import gbnf
from fastscore.model.info import ModelInfo
from fastscore.model.locate import locate
from fastscore.model.lockstep import LockStepRun, Side
from fastscore.model.run import ScoringRun
from fastscore.model.same_vocabulary import check_same_vocabulary
from fastscore.model.sampling import check_requests, check_sampling
from fastscore.model.settings import (
    CPU_BATCH,
    GPU_BATCH,
    NATIVE,
    EngineSettings,
    Limits,
    WeightMode,
    check_options,
    window_length,
)
from fastscore.model.threads import default_threads
from fastscore.model.tokenizers import Tokenizer, gguf_tokenizer, huggingface_tokenizer
from fastscore.model.weights import Weights
from fastscore.tokenise import (
    EncodedRequests,
    encode_pairs,
    encode_prompts,
    encode_text,
    encode_windows,
    rolling_windows,
)
from fastscore.types import GenerationRequest, Likelihood, Sampling

if TYPE_CHECKING:
    from fastscore.model.weight_choice import WeightChoice


class Model(Generating):
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
        check_options(n_ctx, n_batch, n_threads, logits_mb, weights)
        self._closed = True
        self._exclusive = Exclusive()
        # Held while llama.cpp's model is handed to it, so that no other thread frees it meanwhile.
        self._lock = threading.Lock()
        self.located = locate(path)
        api, native = library.load()
        on_gpu = n_gpu_layers != 0 and bool(api.llama_supports_gpu_offload())
        self.choice: WeightChoice | None = None
        self._tokenizer_file = tokenizer
        if weights == "fast":
            from fastscore.model.fast_weights import choose

            options = {"n_ctx": n_ctx, "n_threads": n_threads, "n_batch": n_batch}
            self.choice = choose(
                self.located.path,
                options | {"logits_mb": logits_mb, "tokenizer": tokenizer},
                n_gpu_layers if on_gpu else 0,
                exact,
            )
        file = self.located.path if self.choice is None else self.choice.path
        self._weights = Weights(file, n_gpu_layers)
        try:
            if self.choice is not None:
                self._weights.info = self.choice.described(self._weights.info)
            info = self._weights.info
            self._pool = _core.ThreadPool(n_threads or default_threads())
            self._tokenizer: Tokenizer = (
                huggingface_tokenizer(
                    Path(tokenizer).expanduser(), api, self._weights.pointer, info
                )
                if tokenizer is not None
                else gguf_tokenizer(native, self._weights.pointer, info, self._pool)
            )
            self.settings = EngineSettings(
                max_length=window_length(info, n_ctx),
                n_batch=n_batch or (GPU_BATCH if on_gpu else CPU_BATCH),
                n_threads=n_threads or default_threads(),
                n_gpu_layers=n_gpu_layers if on_gpu else 0,
                logits_mb=logits_mb,
                exact=self.info.full_precision if exact is None else exact,
                tokenizer=self._tokenizer.name,
                bos=self._tokenizer.policy.describe(),
                backends=tuple(library.devices()),
                llama_cpp=native.version,
                rope_factors=None if info.n_ctx_short is None else "short",
                weights=NATIVE if self.choice is None else self.choice.label,
            )
            self._contexts = Contexts(self._weights, self.settings)
        except BaseException:
            self._weights.close()
            raise
        self._closed = False
        if tune:
            self._tune(n_threads, n_batch)

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

    def _tune(self, n_threads: int | None, n_batch: int | None) -> None:
        from fastscore.model.tuning import tuned

        try:
            tuned(self, n_threads, n_batch)
        except BaseException:
            self.close()
            raise

    def use(self, settings: EngineSettings) -> None:
        """Run with other threads or another batch size from now on.

        Waits for a run under way in another thread; UsageError for one of this thread.
        """
        with self._exclusive, self._lock:
            self._check_open()
            self._contexts.close()
            self._contexts = Contexts(self._weights, settings)
            self.settings = settings

    @property
    def info(self) -> ModelInfo:
        """What the file says of itself."""
        return self._weights.info

    @property
    def weight_bytes(self) -> int:
        """Bytes of the weights that run."""
        return self.info.file_bytes if self.choice is None else self.choice.n_bytes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the file's content."""
        return fingerprint(self.located.path)

    def metadata(self) -> dict[str, str]:
        """All scalar metadata of the file, as text."""
        with self._lock:
            return self._weights.metadata()

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text, BOS in front where the model's tokenizer says so."""
        self._check_open()
        return encode_text(text, self._tokenizer.encode, self._tokenizer.policy).tolist()  # type: ignore[no-any-return]

    def plain_ids(self, text: str) -> list[int]:
        """Token ids of a text in which nothing is a special token, without BOS in front."""
        self._check_open()
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

    def encode(self, pairs: Sequence[tuple[str, str]]) -> EncodedRequests:
        """Token ids of (context, continuation) pairs, by lm-evaluation-harness's conventions."""
        self._check_open()
        check_pairs(pairs)
        return encode_pairs(
            pairs, self._tokenizer.encode, self._tokenizer.policy, self.settings.max_length
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
        check_texts(texts)
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

    def _limits(self, longest_path: int) -> Limits:
        with self._lock:
            self._check_open()
            return self._contexts.limits(longest_path)

    def _generation_limits(
        self, order: _core.PromptOrder, n_parallel: int | None
    ) -> GenerationLimits:
        with self._lock:
            self._check_open()
            return self._contexts.generation_limits(order, n_parallel)

    def _side(self) -> Side:
        return Side(
            self.settings,
            self.info.n_vocab,
            self._limits_within,
            self._new_bytes,
            self._decoder,
            self._exclusive,
        )

    def _limits_within(self, longest_path: int, n_batch: int, logits_mb: int) -> Limits:
        with self._lock:
            self._check_open()
            return self._contexts.limits_within(longest_path, n_batch, logits_mb)

    def _new_bytes(self, limits: Limits) -> int:
        with self._lock:
            return self._contexts.new_bytes(limits)

    def _decoder(self, limits: Limits) -> _core.Decoder:
        with self._lock:
            self._check_open()
            return self._contexts.decoder(limits)

    def _check_open(self) -> None:
        if self._closed:
            raise ModelError("the model is closed")

    def close(self) -> None:
        """Free context and weights. Closing twice is harmless.

        A run under way in another thread ends after its current step, with an error.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._contexts.close()
            self._tokenizer.close()
            self._weights.close()

    def __enter__(self) -> Model:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.info.kind}, {self.info.quantisation}"
        return f"Model({self.located.origin!r}: {self.info.name}, {state})"
