"""A model file that llama.cpp has opened: weights, tokenizer, contexts, and who may use them."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from fastscore import _core
from fastscore.closing import Closing
from fastscore.errors import ModelError, UsageError
from fastscore.machine import home_expanded
from fastscore.model import library
from fastscore.model.contexts import Contexts
from fastscore.model.exclusive import Exclusive
from fastscore.model.fingerprint import fingerprint
from fastscore.model.generation_limits import GenerationLimits
from fastscore.model.info import ModelInfo
from fastscore.model.locate import locate
from fastscore.model.lockstep import Side
from fastscore.model.settings import (
    CPU_BATCH,
    GPU_BATCH,
    NATIVE,
    EngineSettings,
    Limits,
    Numbers,
    WeightMode,
    check_choices,
    checked_numbers,
    window_length,
)
from fastscore.model.threads import default_threads
from fastscore.model.tokenizers import Tokenizer, gguf_tokenizer, huggingface_tokenizer
from fastscore.model.weights import Weights

if TYPE_CHECKING:
    from typing_extensions import Self

    from fastscore.model.weight_choice import WeightChoice


class OpenedModel(Closing):
    """What is open, until it is closed; `Model` says what the options mean."""

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
        weights: WeightMode = "native",
    ) -> None:
        n_ctx, n_gpu_layers, n_threads, n_batch, logits_mb = checked_numbers(
            Numbers(n_ctx, n_gpu_layers, n_threads, n_batch, logits_mb)
        )
        check_choices(exact, weights)
        if tokenizer is not None and not isinstance(tokenizer, (str, os.PathLike)):
            raise UsageError(
                f"tokenizer is {tokenizer!r:.60}; give the path of a Hugging Face tokenizer.json"
            )
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
                huggingface_tokenizer(home_expanded(tokenizer), api, self._weights.pointer, info)
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

    def use(self, settings: EngineSettings) -> None:
        """Run with other threads or another batch size from now on.

        Waits for a run under way in another thread; UsageError for one of this thread.
        """
        with self._exclusive, self._lock:
            self._check_open()
            self._contexts.close()
            self._contexts = Contexts(self._weights, settings)
            self.settings = settings

    def refuse_within_run(self) -> None:
        """Raise UsageError in a thread that is in the middle of iterating a run of this model.

        What another thread does with the model meanwhile waits for that run.
        """
        self._exclusive.refuse_owner()

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
            if self._exclusive.engine_failed:
                # A NaN outlasts the emptying of a context's memory, and without flash kernels it
                # reaches all later texts: they give it no weight, and NaN times 0 is NaN.
                self._contexts.close()
                self._exclusive.engine_failed = False
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

    def __enter__(self) -> Self:
        self._check_open()
        return super().__enter__()

    def __del__(self, _at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        # As the interpreter ends, llama.cpp's functions are gone already.
        if not getattr(self, "_closed", True) and not _at_exit():
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.info.kind}, {self.info.quantisation}"
        return f"{type(self).__name__}({self.located.origin!r}: {self.info.name}, {state})"
