"""A llama.cpp context that reads whole texts at once and gives one vector for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastscore.errors import DecodeError, ModelError
from fastscore.model import library
from fastscore.tokenise import Ids

Vectors = npt.NDArray[np.float32]


class EmbeddingContext:
    """Owns a ``llama_context`` for ``n_tokens`` tokens and ``n_texts`` texts a step.

    A text is read in one micro-batch: attention that is not causal cannot be cut, and pooling
    sees nothing of an earlier one. ``close`` may be called more than once.
    """

    def __init__(
        self,
        model: Any,
        pooling: int,
        n_tokens: int,
        n_texts: int,
        *,
        n_threads: int,
        exact: bool,
    ) -> None:
        self._context: Any = None
        self._api, _ = library.load()
        self.n_tokens, self.n_texts = n_tokens, n_texts
        self._n_dims = int(self._api.llama_model_n_embd_out(model))
        params = self._api.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = n_tokens
        params.n_seq_max = n_texts
        params.n_threads = params.n_threads_batch = n_threads
        params.embeddings = True
        params.pooling_type = pooling
        params.flash_attn_type = (
            self._api.LLAMA_FLASH_ATTN_TYPE_DISABLED
            if exact
            else self._api.LLAMA_FLASH_ATTN_TYPE_AUTO
        )
        cache = self._api.GGML_TYPE_F32 if exact else self._api.GGML_TYPE_F16
        params.type_k = params.type_v = cache
        params.kv_unified = params.swa_full = params.no_perf = True
        library.take_log()
        self._context = self._api.llama_init_from_model(model, params)
        if not self._context:
            log = library.take_log()
            raise ModelError(
                f"llama.cpp cannot make a context of {n_tokens} tokens:\n"
                f"{log or 'it gives no reason'}"
            )
        library.take_log()  # what it warned of here explains no later failure
        self._batch = self._api.llama_batch_init(n_tokens, 0, 1)

    def embed(self, texts: Sequence[Ids]) -> Vectors:
        """Pooled outputs of at most ``n_texts`` texts, ``n_tokens`` tokens together; [text, dim].

        Raises DecodeError where llama.cpp fails or gives what is no number.
        """
        self._fill(texts)
        memory = self._api.llama_get_memory(self._context)
        if memory:  # encoders keep none
            self._api.llama_memory_clear(memory, False)
        library.take_log()
        code = library.decode(self._context, self._batch)
        if code != 0:
            raise DecodeError(
                f"llama.cpp cannot read {len(texts)} texts of {self._batch.n_tokens} tokens "
                f"together (code {code}):\n{library.take_log() or 'it gives no reason'}"
            )
        vectors = np.empty((len(texts), self._n_dims), dtype=np.float32)
        for i in range(len(texts)):
            vector = self._api.llama_get_embeddings_seq(self._context, i)
            if not vector:
                raise DecodeError(f"llama.cpp gives no embedding for text {i} of {len(texts)}")
            vectors[i] = np.ctypeslib.as_array(vector, (self._n_dims,))
        if not np.isfinite(vectors).all():
            raise DecodeError(
                "llama.cpp gave an embedding that holds a NaN or an infinity; the file may be "
                "damaged: fastscore doctor looks for that"
            )
        return vectors

    def _fill(self, texts: Sequence[Ids]) -> None:
        lengths = [len(ids) for ids in texts]
        total = sum(lengths)
        # llama.cpp asserts these.
        if not 0 < total <= self.n_tokens or len(texts) > self.n_texts or min(lengths) == 0:
            raise ValueError(f"texts of {lengths} tokens in a context for {self.n_tokens}")
        batch = self._batch
        batch.n_tokens = total
        np.ctypeslib.as_array(batch.token, (total,))[:] = np.concatenate(texts)
        np.ctypeslib.as_array(batch.pos, (total,))[:] = np.concatenate(
            [np.arange(n, dtype=np.int32) for n in lengths]
        )
        np.ctypeslib.as_array(batch.n_seq_id, (total,))[:] = 1
        np.ctypeslib.as_array(batch.logits, (total,))[:] = 1  # all are pooled
        for token, text in enumerate(np.repeat(np.arange(len(texts)), lengths).tolist()):
            batch.seq_id[token][0] = text

    def close(self) -> None:
        """Free the context."""
        if self._context is not None:
            self._api.llama_batch_free(self._batch)
            self._api.llama_free(self._context)
            self._context = None
