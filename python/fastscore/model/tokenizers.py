"""The two tokenizers: the one inside the GGUF file, and a Hugging Face ``tokenizer.json``."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fastscore import _core
from fastscore.errors import TokenizerError, UsageError
from fastscore.model.info import ModelInfo
from fastscore.model.vocabulary import check_vocabulary
from fastscore.tokenise import BosPolicy, Encode, Ids


@dataclass(frozen=True)
class Tokenizer:
    """A way from texts to token ids, and what is put in front of them.

    ``name`` identifies it in results. ``encode_plain`` reads what spells a special token as the
    plain text that it is. ``close`` waits for texts under way and refuses later ones:
    to be called before the model is freed.
    """

    name: str
    encode: Encode
    encode_plain: Encode
    policy: BosPolicy
    close: Callable[[], None]


def gguf_tokenizer(
    native: _core.Library, model: Any, info: ModelInfo, pool: _core.ThreadPool
) -> Tokenizer:
    """The model's own tokenizer in llama.cpp, many texts in parallel.

    Text that spells a special token becomes that token, as Hugging Face tokenizers do it.
    """
    core = _core.Tokenizer(native, ctypes.cast(model, ctypes.c_void_p).value or 0)

    def encode(texts: Sequence[str], parse_special: bool = True) -> list[Ids]:
        ids, offsets = core.encode(_utf8(texts), parse_special, pool)
        return np.split(ids, offsets[1:-1]) if len(texts) else []

    return Tokenizer(
        "gguf", encode, partial(encode, parse_special=False), _policy(info), core.close
    )


def huggingface_tokenizer(file: Path, api: Any, model: Any, info: ModelInfo) -> Tokenizer:
    """A ``tokenizer.json``, read by the ``tokenizers`` library.

    BOS and EOS stay those of the model file: a ``tokenizer.json`` does not say which token is
    which. Raises UsageError when there is no such file, TokenizerError when it cannot be read or
    its ids mean other texts than the model's.
    """
    import tokenizers

    if not file.is_file():
        raise UsageError(f"there is no file {file}; a tokenizer is a Hugging Face tokenizer.json")
    try:
        loaded = tokenizers.Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises plain Exception
        raise TokenizerError(f"{file} is no tokenizer.json that can be read: {error}") from error
    loaded.no_truncation()
    loaded.no_padding()
    n_vocab = loaded.get_vocab_size(with_added_tokens=True)
    if n_vocab > info.n_vocab:
        raise TokenizerError(
            f"{file} has {n_vocab} tokens and the model {info.n_vocab}: it belongs to another model"
        )
    check_vocabulary(file, loaded.id_to_token, api, api.llama_model_get_vocab(model))

    def encode(texts: Sequence[str]) -> list[Ids]:
        return _encode(loaded, texts)

    def encode_plain(texts: Sequence[str]) -> list[Ids]:
        # Not by the property of the one above: another thread may be at it.
        plain = tokenizers.Tokenizer.from_str(loaded.to_str())
        plain.encode_special_tokens = True
        return _encode(plain, texts)

    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    name = f"{file.name} (sha256 {digest[:16]})"
    return Tokenizer(name, encode, encode_plain, _policy(info), lambda: None)


def _encode(tokenizer: Any, texts: Sequence[str]) -> list[Ids]:
    _utf8(texts)  # the library would only say that a text is no text
    encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [np.asarray(encoding.ids, dtype=np.int32) for encoding in encodings]


def _utf8(texts: Sequence[str]) -> list[bytes]:
    try:
        return [text.encode() for text in texts]
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"a text holds {error.object[error.start : error.end]!r}, half of a UTF-16 pair, "
            "which is no character; repair the row it comes from"
        ) from error


def _policy(info: ModelInfo) -> BosPolicy:
    return BosPolicy(info.add_bos, info.bos, info.eos, info.bos_text)
