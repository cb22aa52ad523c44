"""Texts to vectors, with a GGUF embedding model.

llama-cpp-python's own ``Llama(embedding=True)`` is not used, though its llama.cpp is: it cuts texts
at the batch size without a word, leaves a damaged file to llama.cpp's assertions, which end the
process, and reserves logits for the whole window.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastscore import _core
from fastscore.closing import Closing
from fastscore.errors import DecodeError, MemoryLimitError, ModelError, UsageError
from fastscore.machine import available_memory
from fastscore.model import library
from fastscore.model.arguments import check_texts
from fastscore.model.embedding_context import EmbeddingContext, Vectors
from fastscore.model.embedding_weights import POOLINGS, EmbeddingWeights
from fastscore.model.info import ModelInfo
from fastscore.model.locate import locate
from fastscore.model.settings import (
    NATIVE,
    Numbers,
    check_choices,
    checked_numbers,
    window_length,
)
from fastscore.model.threads import default_threads
from fastscore.model.tokenizers import gguf_tokenizer
from fastscore.tokenise import Ids

if TYPE_CHECKING:
    from typing_extensions import Self

# Tokens of a step, unless a text is longer. All texts of a step look at the same cells, so that
# much larger ones cost more than they save.
_CPU_TOKENS, _GPU_TOKENS = 512, 2048
# Texts of a step; states of a recurrent model cost memory each.
_TEXTS, _STATES = 64, 8
_TOKEN_PAD = 256


class Embedder(Closing):
    """A GGUF embedding model, opened by llama.cpp, as a context manager. Safe to share by threads.

    BERT and its kin, and decoders trained to embed, with the pooling and the tokens around a text
    that their files name. Of a generative model, whose file names no pooling, the mean over a
    text's tokens is taken, with a warning: such vectors tell texts apart poorly. Prefixes that a
    model was trained with (``"query: "``) are the caller's to write.

    Parameters
    ----------
    path
        A GGUF file, ``"demo"``, or ``"hf://owner/repo/file.gguf"``.
    n_ctx
        The longest text in tokens. Default: the length the model was trained with.
    n_gpu_layers
        Layers to put on the GPU; -1 for all.
    n_threads
        Threads of a step. Default: the physical cores.
    exact
        Compute attention without flash kernels, which round keys and values to F16. Default: for
        files whose weights are not quantised.
    normalise
        Scale each vector to length 1, so that the cosine of two is their product.
    truncate
        Read the beginning only of a text that is longer than the window; else it is an error.

    Raises
    ------
    ModelError, MemoryLimitError, EngineMismatchError, UsageError

    """

    def __init__(
        self,
        path: str | Path,
        *,
        n_ctx: int | None = None,
        n_gpu_layers: int = -1,
        n_threads: int | None = None,
        exact: bool | None = None,
        normalise: bool = True,
        truncate: bool = False,
    ) -> None:
        self._context: EmbeddingContext | None = None
        self._lock = threading.Lock()
        asked = checked_numbers(Numbers(n_ctx, n_gpu_layers, n_threads))
        check_choices(exact, NATIVE)
        self.normalise, self.truncate = normalise, truncate
        self._n_threads = asked.n_threads or default_threads()
        api, native = library.load()
        n_layers = asked.n_gpu_layers
        self._on_gpu = n_layers != 0 and bool(api.llama_supports_gpu_offload())
        self._weights: EmbeddingWeights | None = EmbeddingWeights(locate(path).path, n_layers)
        try:
            self.info: ModelInfo = self._weights.info
            self.n_dims: int = self._weights.n_dims
            self.max_length: int = window_length(self.info, asked.n_ctx)
            self.pooling: str = POOLINGS[self._weights.pooling]
            self._exact = self.info.full_precision if exact is None else exact
            self._front, self._back = self._weights.frame()
            if self.max_length <= self._n_framing:
                raise UsageError(
                    f"n_ctx is {self.max_length}, and {self._n_framing} tokens are put around "
                    f"every text; choose at least {self._n_framing + 1}"
                )
            pool = _core.ThreadPool(self._n_threads)
            self._tokenizer = gguf_tokenizer(native, self._weights.pointer, self.info, pool)
        except BaseException:
            self.close()
            raise
        if not self._weights.pooling_named:
            warnings.warn(
                f"{self.info.name} ({self.info.path}) names no pooling, as generative models do: "
                "its embeddings are means over the tokens of a text, and tell texts apart less "
                "well than those of an embedding model",
                stacklevel=2,
            )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text: float32, [n_texts, n_dims].

        A text is plain text throughout: what spells a special token stays what it spells. What
        else is asked for changes the last bits of a vector, as any batching does.

        Raises UsageError for a text without tokens and, unless ``truncate`` was set, for one that
        is longer than the window; DecodeError for outputs that are no numbers.
        """
        texts = check_texts(texts, "embed")
        with self._lock:
            weights = self._opened()
            framed = [
                self._framed(i, ids) for i, ids in enumerate(self._tokenizer.encode_plain(texts))
            ]
            vectors = np.empty((len(framed), self.n_dims), dtype=np.float32)
            if not framed:
                return vectors
            context = self._context_for(weights, max(map(len, framed)))
            try:
                for batch in _batches(framed, context.n_tokens, context.n_texts):
                    vectors[batch] = context.embed([framed[i] for i in batch])
            except DecodeError:
                self._free_context()  # a NaN in its memory would reach later texts
                raise
        return _normalised(vectors) if self.normalise else vectors

    def _opened(self) -> EmbeddingWeights:
        if self._weights is None:
            raise ModelError("the embedder is closed")
        return self._weights

    @property
    def _n_framing(self) -> int:
        return len(self._front) + len(self._back)

    def _framed(self, i: int, ids: Ids) -> Ids:
        room = self.max_length - self._n_framing
        if len(ids) > room and not self.truncate:
            raise UsageError(
                f"text {i} has {len(ids) + self._n_framing} tokens, and {self.info.name} reads "
                f"{self.max_length}; embed it in parts, or open the model with truncate=True to "
                "leave out what is beyond"
            )
        framed = np.concatenate([self._front, ids[:room], self._back])
        if len(framed) == 0:
            raise UsageError(f"text {i} is empty, and {self.info.name} has no vector for nothing")
        return framed

    def _context_for(self, weights: EmbeddingWeights, longest: int) -> EmbeddingContext:
        """Return a context that reads texts of that length; it stays open for later ones."""
        if self._context is None or self._context.n_tokens < longest:
            self._free_context()
            least = _GPU_TOKENS if self._on_gpu else _CPU_TOKENS
            n_tokens = max(least, -(-longest // _TOKEN_PAD) * _TOKEN_PAD)
            self._check_memory(n_tokens)
            self._context = EmbeddingContext(
                weights.pointer,
                weights.pooling,
                n_tokens,
                _TEXTS if self.info.kind in ("attention", "sliding-window") else _STATES,
                n_threads=self._n_threads,
                exact=self._exact,
            )
        return self._context

    def _check_memory(self, n_tokens: int) -> None:
        if self._on_gpu:
            return
        info = self.info
        cache = n_tokens * info.kv_bytes_per_token * (2 if self._exact else 1)
        # llama.cpp makes room for logits beside the embeddings, and without flash kernels for
        # each head's scores.
        logits = 2 * n_tokens * info.n_vocab * 4
        scores = n_tokens**2 * (6 + (4 * info.n_heads if self._exact else 0))
        total, available = cache + logits + scores, available_memory()
        if available is not None and total > available:
            raise MemoryLimitError(
                f"a text of {n_tokens} tokens needs about {total / 1e6:.0f} MB beside the model, "
                f"and {available / 1e6:.0f} MB are available; lower n_ctx, embed the text in "
                "parts, or close other programs"
            )

    def _free_context(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None

    def close(self) -> None:
        """Free context and weights, after a call under way. Closing twice is harmless."""
        with self._lock:
            if self._weights is None:
                return
            self._free_context()
            if hasattr(self, "_tokenizer"):
                self._tokenizer.close()
            self._weights.close()
            self._weights = None

    def __enter__(self) -> Self:
        self._opened()
        return super().__enter__()

    def __del__(self, _at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        # As the interpreter ends, llama.cpp's functions are gone already.
        if getattr(self, "_weights", None) is not None and not _at_exit():
            self.close()

    def __repr__(self) -> str:
        if self._weights is None:
            return f"Embedder({self.info.name}, closed)"
        named = "" if self._weights.pooling_named else " (the file names none)"
        return f"Embedder({self.info.name}, {self.n_dims} dimensions, {self.pooling}{named})"


def _batches(texts: list[Ids], n_tokens: int, n_texts: int) -> Iterator[list[int]]:
    """Numbers of texts that go together: the longest first, so that few steps are part empty."""
    batch: list[int] = []
    total = 0
    for i in sorted(range(len(texts)), key=lambda i: -len(texts[i])):
        if batch and (total + len(texts[i]) > n_tokens or len(batch) == n_texts):
            yield batch
            batch, total = [], 0
        batch.append(i)
        total += len(texts[i])
    yield batch


def _normalised(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise DecodeError("an embedding is all zeros and has no direction; the file may be damaged")
    return (vectors / lengths).astype(np.float32)  # type: ignore[no-any-return]
