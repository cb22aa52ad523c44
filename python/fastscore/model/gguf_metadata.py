"""The metadata of a GGUF file, read without llama.cpp: small values only, arrays stepped over.

Fast enough to run before every load (some milliseconds, whatever the vocabulary), so that values on
which llama.cpp ends the process can be refused first. The list of the tensors, which comes next, is
read apart from it. The format is documented in ggml's ``docs/gguf.md``.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path

from fastscore import _core
from fastscore.errors import ModelError
from fastscore.model.ggml_types import TENSOR_TYPES
from fastscore.model.gguf_header import HEADER

TOKENS = "tokenizer.ggml.tokens"

Scalar = int | float | bool | str
Value = Scalar | list[Scalar]

# GGUF's type numbers to struct's letters.
_NUMBERS = dict(enumerate("BbHhIif?", start=0)) | {10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
# Arrays of one value a layer are read, those of a vocabulary are not.
_MOST_ITEMS = 1024
_LONGEST_KEY = 65535
# ggml's GGML_MAX_NAME and GGML_MAX_DIMS.
_LONGEST_NAME, _MOST_DIMENSIONS = 64, 4
_DEFAULT_ALIGNMENT = 32


@dataclass
class FileMetadata:
    """``values`` by key, without long arrays; ``lengths`` of all arrays.

    ``repeated_token`` is the index of the first token of the vocabulary that equals an earlier
    one, None when there is none. ``end`` is the file's byte after the metadata.
    """

    values: dict[str, Value] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    repeated_token: int | None = None
    end: int = 0


def read_metadata(path: Path) -> FileMetadata:
    """Read a file whose header is sound; ModelError when the metadata is cut off or malformed."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        _, _, _, n_entries = HEADER.unpack_from(content)
        reader = _Reader(content, HEADER.size)
        metadata = FileMetadata()
        key = ""
        try:
            for _ in range(n_entries):
                key = "the key after " + (key or "the header")
                key = reader.key()
                reader.entry(key, metadata)
            metadata.end = reader.at
        except (struct.error, ValueError) as error:
            raise ModelError(
                f"{path} is damaged or incomplete: its metadata cannot be read at "
                f"{key!r} ({error}); download or copy it again"
            ) from error
    return metadata


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as a file lists it: ``shape`` begins with the length of a row, in weights.

    ``type`` is the name of its type; ``bits`` a weight and ``n_bytes`` in all, 0 for a type that is
    not known here.
    """

    name: str
    shape: tuple[int, ...]
    type: str
    bits: float
    begin: int

    @property
    def n_weights(self) -> int:
        """Weights in all."""
        return math.prod(self.shape)

    @property
    def n_bytes(self) -> int:
        """Bytes in the file, from its byte ``begin`` on."""
        return math.ceil(self.n_weights * self.bits / 8)


def read_tensors(path: Path, metadata: FileMetadata) -> list[Tensor]:
    """Tensors of a file whose metadata have been read; ModelError when their list is damaged."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        _, _, n_tensors, _ = HEADER.unpack_from(content)
        reader = _Reader(content, metadata.end)
        found: list[Tensor] = []
        last = "the metadata"
        try:
            for _ in range(n_tensors):
                found.append(reader.tensor())
                last = found[-1].name
        except (struct.error, ValueError) as error:
            raise ModelError(
                f"{path} is damaged or incomplete: its list of tensors cannot be read after "
                f"{last} ({error}); download or copy it again"
            ) from error
    # Offsets count from the first byte after the list that is a multiple of the alignment.
    alignment = metadata.values.get("general.alignment", _DEFAULT_ALIGNMENT)
    step = alignment if isinstance(alignment, int) and alignment > 0 else _DEFAULT_ALIGNMENT
    data = -(-reader.at // step) * step
    return [replace(tensor, begin=data + tensor.begin) for tensor in found]


class _Reader:
    def __init__(self, content: mmap.mmap, at: int) -> None:
        self._content = content
        self._at = at

    def key(self) -> str:
        length = self._number("Q")
        if not 0 < length <= _LONGEST_KEY:
            raise ValueError(f"a key of {length} bytes")
        return self._bytes(length).decode("utf-8", errors="replace")

    @property
    def at(self) -> int:
        """The byte that is read next."""
        return self._at

    def tensor(self) -> Tensor:
        """Read what the file says of a tensor; ``begin`` is its offset in the data."""
        length = self._number("Q")
        if not 0 < length <= _LONGEST_NAME:
            raise ValueError(f"a name of {length} bytes")
        name = self._bytes(length).decode("utf-8", errors="replace")
        n_dimensions = self._number("I")
        if n_dimensions > _MOST_DIMENSIONS:
            raise ValueError(f"{name!r} has {n_dimensions} dimensions")
        shape = tuple(self._number("Q") for _ in range(n_dimensions))
        number = self._number("I")
        known = TENSOR_TYPES.get(number)
        kind, bits = (f"type {number}", 0.0) if known is None else (known.name, known.bits)
        return Tensor(name, shape, kind, bits, self._number("Q"))

    def entry(self, key: str, metadata: FileMetadata) -> None:
        kind = self._number("I")
        if kind == _ARRAY:
            self._array(key, metadata)
        else:
            metadata.values[key] = self._scalar(kind)

    def _array(self, key: str, metadata: FileMetadata) -> None:
        kind, count = self._number("I"), self._number("Q")
        metadata.lengths[key] = count
        if kind == _STRING:
            is_vocabulary = key == TOKENS
            self._at, repeated = _core.walk_strings(self._content, self._at, count, is_vocabulary)
            if is_vocabulary and repeated >= 0:
                metadata.repeated_token = repeated
            return
        letter = _letter(kind)
        size = struct.calcsize(f"<{letter}") * count
        if size > len(self._content) - self._at:
            raise ValueError(f"an array of {count} values goes beyond the end of the file")
        if count <= _MOST_ITEMS:
            metadata.values[key] = list(
                struct.unpack_from(f"<{count}{letter}", self._content, self._at)
            )
        self._at += size

    def _scalar(self, kind: int) -> Scalar:
        if kind == _STRING:
            return self._bytes(self._number("Q")).decode("utf-8", errors="replace")
        value: Scalar = struct.unpack_from(f"<{_letter(kind)}", self._content, self._at)[0]
        self._at += struct.calcsize(f"<{_letter(kind)}")
        return value

    def _number(self, letter: str) -> int:
        value: int = struct.unpack_from(f"<{letter}", self._content, self._at)[0]
        self._at += struct.calcsize(f"<{letter}")
        return value

    def _bytes(self, length: int) -> bytes:
        if length > len(self._content) - self._at:
            raise ValueError(f"a text of {length} bytes goes beyond the end of the file")
        self._at += length
        return self._content[self._at - length : self._at]


def _letter(kind: int) -> str:
    if kind not in _NUMBERS:
        raise ValueError(f"value type {kind} does not exist")
    return _NUMBERS[kind]
