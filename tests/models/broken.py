"""Files that are no sound model: what a bad download, a bad disk or a bad converter leaves behind.

``BROKEN`` says for each what llama.cpp itself does with it: "refused" (no model comes back),
"aborts" (the process ends while loading), "aborts_in_use" (it ends at the first text or token), or
"loads" (only what comes out shows it). All but the first must be caught by whoever loads the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gguf import GGUFReader

from .tiny import write_tiny

Change = Callable[[Path], None]


@dataclass(frozen=True)
class Broken:
    """How to spoil a sound file of the ``llama`` family, and what llama.cpp then does."""

    change: Change
    outcome: str  # "refused", "aborts", "aborts_in_use" or "loads"


def write_broken(kind: str, path: Path) -> Path:
    """Write a sound tiny model, spoil it in the way ``kind`` names, and return ``path``."""
    write_tiny("llama", path)
    BROKEN[kind].change(path)
    return path


def _replace(content: bytes) -> Change:
    return lambda path: _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _keep(share: Callable[[GGUFReader], int]) -> Change:
    """Keep only as many bytes as ``share`` says."""

    def change(path: Path) -> None:
        length = share(GGUFReader(path))
        path.write_bytes(path.read_bytes()[:length])

    return change


def _patch(offset: int, layout: str, value: int) -> Change:
    """Overwrite one number of the header: magic at 0, version 4, tensors 8, keys 16."""

    def change(path: Path) -> None:
        content = bytearray(path.read_bytes())
        struct.pack_into(layout, content, offset, value)
        path.write_bytes(content)

    return change


def _key(name: str, value: object) -> Change:
    """Overwrite the value of a metadata key of fixed size, or a string by one as long."""

    def change(path: Path) -> None:
        field = GGUFReader(path, "r+").fields[name]
        raw = value.encode() if isinstance(value, str) else None
        part = field.parts[field.data[0]]
        part[:] = np.frombuffer(raw, np.uint8) if raw is not None else np.asarray(value, part.dtype)

    return change


def _rename_key(name: str) -> Change:
    """Make a metadata key unknown by changing its last letter."""

    def change(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content.replace(name.encode(), name[:-1].encode() + b"X", 1))

    return change


def _string_length(name: str, length: int) -> Change:
    """Let a string claim more bytes than the file has."""

    def change(path: Path) -> None:
        field = GGUFReader(path, "r+").fields[name]
        field.parts[field.data[0] - 1][0] = length

    return change


def _array_length(name: str, length: int) -> Change:
    def change(path: Path) -> None:
        field = GGUFReader(path, "r+").fields[name]
        field.parts[4][0] = length  # parts: key length, key, type, item type, item count, items

    return change


def _tensor_info(part: int, index: int, value: int) -> Change:
    """Overwrite in the first tensor's description: 3 shape, 4 type, 5 offset."""

    def change(path: Path) -> None:
        reader = GGUFReader(path, "r+")
        reader.tensors[0].field.parts[part][index] = value

    return change


def _weights(name: str, value: float, columns: slice = slice(None)) -> Change:
    """Overwrite weights of one tensor (in a matrix: ``columns`` of every row)."""

    def change(path: Path) -> None:
        for tensor in GGUFReader(path, "r+").tensors:
            if tensor.name == name:
                tensor.data[..., columns] = value

    return change


def spoil_token(path: Path, token: int) -> None:
    """Make a token's embedding NaN: texts that hold it cannot be read, and all others can."""
    for tensor in GGUFReader(path, "r+").tensors:
        if tensor.name == "token_embd.weight":
            tensor.data[token] = np.nan


def _vocab_less(path: Path) -> None:
    write_tiny("llama", path, vocab=False)


def _unknown_architecture(path: Path) -> None:
    write_tiny("llama", path, arch="hal9000")


def _same_token_twice(path: Path) -> None:
    field = GGUFReader(path, "r+").fields["tokenizer.ggml.tokens"]
    letters = [i for i in field.data if len(field.parts[i]) == 1]
    field.parts[letters[1]][:] = field.parts[letters[0]]


def _random(n: int) -> bytes:
    return np.random.default_rng(0).bytes(n)


def _tensor_start(reader: GGUFReader) -> int:
    return int(reader.tensors[0].field.offset)


BROKEN: dict[str, Broken] = {
    # Not a GGUF file at all.
    "empty": Broken(_replace(b""), "refused"),
    "text": Broken(_replace(b"This is not the model you are looking for.\n" * 100), "refused"),
    "random_bytes": Broken(_replace(_random(4096)), "refused"),
    "magic_only": Broken(_replace(b"GGUF"), "refused"),
    "magic_then_random": Broken(_replace(b"GGUF\3\0\0\0" + _random(4096)), "refused"),
    # Cut off, as a broken download is.
    "cut_in_header": Broken(_keep(lambda reader: 16), "refused"),
    "cut_in_metadata": Broken(_keep(lambda reader: _tensor_start(reader) // 2), "refused"),
    "cut_in_tensor_list": Broken(_keep(lambda reader: _tensor_start(reader) + 40), "refused"),
    "cut_before_data": Broken(_keep(lambda reader: int(reader.data_offset)), "refused"),
    "cut_in_data": Broken(_keep(lambda reader: int(reader.data_offset) + 100_000), "refused"),
    "cut_last_byte": Broken(lambda path: _write(path, path.read_bytes()[:-1]), "refused"),
    # Numbers in the header that cannot be.
    "version_0": Broken(_patch(4, "<I", 0), "refused"),
    "version_1": Broken(_patch(4, "<I", 1), "refused"),
    "version_99": Broken(_patch(4, "<I", 99), "refused"),
    "big_endian_version": Broken(_patch(4, ">I", 3), "refused"),
    "absurd_tensor_count": Broken(_patch(8, "<Q", 2**62), "refused"),
    "huge_tensor_count": Broken(_patch(8, "<Q", 2**31), "refused"),
    "too_many_tensors": Broken(_patch(8, "<Q", 1000), "refused"),
    "too_few_tensors": Broken(_patch(8, "<Q", 3), "refused"),
    "no_tensors": Broken(_patch(8, "<Q", 0), "refused"),
    "absurd_key_count": Broken(_patch(16, "<Q", 2**62), "refused"),
    "negative_key_count": Broken(_patch(16, "<Q", 2**64 - 1), "refused"),
    # Metadata.
    "string_over_the_end": Broken(_string_length("general.name", 10**9), "refused"),
    "string_length_absurd": Broken(_string_length("general.name", 2**63), "refused"),
    "array_over_the_end": Broken(_array_length("tokenizer.ggml.tokens", 10**8), "refused"),
    "array_length_absurd": Broken(_array_length("tokenizer.ggml.tokens", 2**62), "refused"),
    "unknown_architecture": Broken(_unknown_architecture, "refused"),
    "no_block_count": Broken(_rename_key("llama.block_count"), "refused"),
    "no_tokens": Broken(_rename_key("tokenizer.ggml.tokens"), "refused"),
    "no_merges": Broken(_rename_key("tokenizer.ggml.merges"), "refused"),
    "unknown_tokenizer": Broken(_key("tokenizer.ggml.model", "gptX"), "refused"),
    "unknown_pre_tokenizer": Broken(_key("tokenizer.ggml.pre", "gpt-X"), "refused"),
    "zero_blocks": Broken(_key("llama.block_count", 0), "aborts"),
    "too_many_blocks": Broken(_key("llama.block_count", 100_000), "aborts"),
    "one_block_too_many": Broken(_key("llama.block_count", 3), "refused"),
    "zero_heads": Broken(_key("llama.attention.head_count", 0), "refused"),
    "zero_embedding": Broken(_key("llama.embedding_length", 0), "refused"),
    "other_embedding": Broken(_key("llama.embedding_length", 65), "refused"),
    "zero_context": Broken(_key("llama.context_length", 0), "loads"),
    "bos_out_of_range": Broken(_key("tokenizer.ggml.bos_token_id", 10**6), "loads"),
    "eos_out_of_range": Broken(_key("tokenizer.ggml.eos_token_id", 10**6), "loads"),
    "negative_epsilon": Broken(
        _key("llama.attention.layer_norm_rms_epsilon", -1.0), "aborts_in_use"
    ),
    "same_token_twice": Broken(_same_token_twice, "aborts"),
    # Tensors.
    "wrong_tensor_shape": Broken(_tensor_info(3, 0, 32), "refused"),
    "negative_tensor_shape": Broken(_tensor_info(3, 0, 2**64 - 1), "refused"),
    "unknown_tensor_type": Broken(_tensor_info(4, 0, 999), "refused"),
    "tensor_far_away": Broken(_tensor_info(5, 0, 2**40), "refused"),
    # Sound as a file, useless as a model.
    "vocab_less": Broken(_vocab_less, "aborts_in_use"),
    "nan_logits": Broken(_weights("output_norm.weight", np.nan), "loads"),
    "infinite_logits": Broken(_weights("output.weight", np.inf, slice(0, 1)), "loads"),
}
