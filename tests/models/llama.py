"""A plain way to llama.cpp for the tests: one model, one context, batches given token by token.

It shares nothing with fastscore, so that the tests of the decoder have something to compare with.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from fastscore.closing import Closing

FloatArray = NDArray[np.float32]


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _silent(level: int, text: bytes, user_data: ctypes.c_void_p) -> None:
    """Drop llama.cpp's messages."""


class LoadError(Exception):
    """llama.cpp returned no model or no context."""


@dataclass(frozen=True)
class Entry:
    """One token of a batch."""

    token: int
    pos: int
    seqs: Sequence[int] = field(default=(0,))
    output: bool = True


class PlainLlama(Closing):
    """A model and a context on the CPU, exact rather than fast unless told otherwise.

    Flash attention on the CPU computes with K and V in half precision whatever the cache holds.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_ctx: int = 512,
        n_batch: int = 512,
        n_ubatch: int = 512,
        n_seq_max: int = 1,
        kv_unified: bool = True,
        swa_full: bool = True,
        flash_attention: bool = False,
        half_cache: bool = False,
        n_outputs_max: int = 0,
        n_threads: int = 1,
        quiet: bool = True,
    ) -> None:
        if quiet:
            llama_cpp.llama_log_set(_silent, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self.context = self.model = None
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self.model:
            raise LoadError(f"no model from {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = n_ctx, n_batch, n_ubatch
        params.n_seq_max, params.n_outputs_max = n_seq_max, n_outputs_max
        params.kv_unified, params.swa_full = kv_unified, swa_full
        params.flash_attn_type = 1 if flash_attention else 0
        cache_type = llama_cpp.GGML_TYPE_F16 if half_cache else llama_cpp.GGML_TYPE_F32
        params.type_k = params.type_v = cache_type
        params.n_threads = params.n_threads_batch = n_threads
        self.context = llama_cpp.llama_init_from_model(self.model, params)
        if not self.context:
            self.close()
            raise LoadError(f"no context for {path}")
        self.vocab = llama_cpp.llama_model_get_vocab(self.model)
        self.n_vocab: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.memory = llama_cpp.llama_get_memory(self.context)

    def close(self) -> None:
        """Free context and model; more than once is harmless."""
        if self.context:
            llama_cpp.llama_free(self.context)
        if self.model:
            llama_cpp.llama_model_free(self.model)
        self.context = self.model = None

    def decode(self, entries: Sequence[Entry]) -> tuple[int, FloatArray]:
        """Decode one batch: llama_decode's return code and the rows asked for [n_rows, n_vocab]."""
        widest = max(len(entry.seqs) for entry in entries)
        batch = llama_cpp.llama_batch_init(len(entries), 0, widest)
        batch.n_tokens = len(entries)
        for i, entry in enumerate(entries):
            batch.token[i], batch.pos[i] = entry.token, entry.pos
            batch.logits[i], batch.n_seq_id[i] = entry.output, len(entry.seqs)
            for k, seq in enumerate(entry.seqs):
                batch.seq_id[i][k] = seq
        code: int = llama_cpp.llama_decode(self.context, batch)
        rows = [] if code else [self._row(i) for i, e in enumerate(entries) if e.output]
        llama_cpp.llama_batch_free(batch)
        return code, np.stack(rows) if rows else np.empty((0, self.n_vocab), np.float32)

    def alone(self, tokens: Sequence[int]) -> FloatArray:
        """Logits after each token [n_tokens, n_vocab], decoded on an empty memory."""
        llama_cpp.llama_memory_clear(self.memory, True)
        code, rows = self.decode([Entry(token, pos) for pos, token in enumerate(tokens)])
        if code:
            raise RuntimeError(f"llama_decode returned {code}")
        return rows

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids of ``text``, with BOS if the model wants it."""
        data = text.encode()
        out = (llama_cpp.llama_token * (len(data) + 8))()
        n = llama_cpp.llama_tokenize(self.vocab, data, len(data), out, len(out), special, special)
        return list(out[:n])

    def pieces(self, tokens: Sequence[int]) -> str:
        """Text of the token ids, special tokens included."""
        buffer = ctypes.create_string_buffer(64)
        parts = []
        for token in tokens:
            n = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, len(buffer), 0, True)
            parts.append(buffer.raw[:n])
        return b"".join(parts).decode()

    def _row(self, i: int) -> FloatArray:
        row = llama_cpp.llama_get_logits_ith(self.context, i)
        values: FloatArray = np.ctypeslib.as_array(row, (self.n_vocab,)).copy()
        return values
