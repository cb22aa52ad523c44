"""A loaded model file: the weights, before any context."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from fastscore import _core
from fastscore.errors import MemoryLimitError, ModelError, UsageError
from fastscore.machine import available_memory
from fastscore.model import library
from fastscore.model.fingerprint import model_files
from fastscore.model.info import ModelInfo, describe
from fastscore.model.longrope import ShortFactors, pinned, short_factors
from fastscore.model.metadata import Metadata
from fastscore.model.refusals import refuse_impossible_rotation, refuse_unless_causal
from fastscore.model.tensors import read_model


class Weights:
    """Owns a ``llama_model``. ``close`` may be called more than once."""

    def __init__(self, path: Path, n_gpu_layers: int) -> None:
        self._model: Any = None
        self._api, _ = library.load()
        # Refuse what llama.cpp must not see, in any part.
        file = read_model(path)
        factors = short_factors(path, file.metadata, {tensor.name for tensor in file.tensors})
        if n_gpu_layers == 0 or not self._api.llama_supports_gpu_offload():
            _check_memory(path)
        self._model = self._open(path, n_gpu_layers, factors)
        try:
            metadata = Metadata(self._api, self._model)
            self._check_use(metadata, path)
            refuse_impossible_rotation(self._api, self._model, metadata, path)
            self.info: ModelInfo = describe(
                self._api, self._model, path, factors.n_ctx if factors else None
            )
        except BaseException:
            self.close()
            raise

    def _open(self, path: Path, n_gpu_layers: int, factors: ShortFactors | None) -> Any:
        params = self._api.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        if factors is not None:
            overrides = pinned(self._api, factors)
            params.kv_overrides = overrides
        library.take_log()
        model = self._api.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            log = library.take_log()
            raise ModelError(f"llama.cpp cannot load {path}:\n{log or 'it gives no reason'}")
        return model

    def _check_use(self, metadata: Metadata, path: Path) -> None:
        refuse_unless_causal(self._api, self._model, metadata, path)

    @property
    def pointer(self) -> Any:
        """The ``llama_model`` as ctypes has it."""
        if self._model is None:
            raise ModelError("the model is closed")
        return self._model

    def metadata(self) -> dict[str, str]:
        """All scalar metadata of the file."""
        return Metadata(self._api, self.pointer).all()

    @property
    def has_vocabulary(self) -> bool:
        """Whether the file says what its tokens spell; llama.cpp must not be asked otherwise."""
        vocab = self._api.llama_model_get_vocab(self.pointer)
        return bool(self._api.llama_vocab_type(vocab) != self._api.LLAMA_VOCAB_TYPE_NONE)

    def pieces(self, ids: Sequence[int]) -> list[bytes]:
        """What each token spells, special tokens included."""
        vocab = self._api.llama_model_get_vocab(self.pointer)
        found = []
        for token in ids:
            if not 0 <= token < self.info.n_vocab:
                raise ValueError(f"token {token} does not exist; there are {self.info.n_vocab}")
            size = 64
            while True:
                buffer = ctypes.create_string_buffer(size)
                length = self._api.llama_token_to_piece(vocab, token, buffer, size, 0, True)
                if length >= 0:
                    break
                size = -length
            found.append(buffer.raw[:length])
        return found

    @cached_property
    def control_texts(self) -> frozenset[str]:
        """How the tokens are spelled that are no text of anybody: ends of turns, BOS, padding."""
        vocab = self._api.llama_model_get_vocab(self.pointer)
        if not self.has_vocabulary:
            return frozenset()
        is_control = self._api.llama_vocab_is_control
        ids = [token for token in range(self.info.n_vocab) if is_control(vocab, token)]
        spelled = (piece.decode("utf-8", errors="ignore") for piece in self.pieces(ids))
        return frozenset(text for text in spelled if text)

    @cached_property
    def token_pieces(self) -> _core.TokenPieces:
        """What each token spells, for the texts that are generated."""
        _, native = library.load()
        vocab = self._api.llama_model_get_vocab(self.pointer)
        # Where the file names no EOS, llama.cpp takes a token by its number, whatever it is.
        unnamed = self._api.llama_vocab_eos(vocab) if self.info.eos is None else -1
        return _core.TokenPieces(native, self._address, unnamed)

    def grammar(self, text: str) -> _core.Grammar:
        """Parse a GBNF grammar for this vocabulary; UsageError where llama.cpp cannot."""
        _, native = library.load()
        library.take_log()
        try:
            return _core.Grammar(native, self._address, text)
        except ValueError as error:
            raise UsageError(f"{error}:\n{library.take_log()}") from error

    @property
    def _address(self) -> int:
        return ctypes.cast(self.pointer, ctypes.c_void_p).value or 0

    def close(self) -> None:
        """Free the weights."""
        if self._model is not None:
            self._api.llama_model_free(self._model)
            self._model = None


def _check_memory(path: Path) -> None:
    size = sum(part.stat().st_size for part in model_files(path))
    available = available_memory()
    if available is not None and size > available:
        raise MemoryLimitError(
            f"{path.name} is {size / 1e9:.1f} GB and {available / 1e9:.1f} GB of memory are "
            "available; close other programs, choose a smaller quantisation, or offload to a GPU "
            "with n_gpu_layers"
        )
