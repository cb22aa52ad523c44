"""What the tensors of a model file are stored as, over all of its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastscore.errors import ModelError
from fastscore.model.fingerprint import model_files
from fastscore.model.gguf_checks import check_metadata
from fastscore.model.gguf_header import check_header
from fastscore.model.gguf_metadata import FileMetadata, Tensor, read_metadata, read_tensors


@dataclass(frozen=True)
class ModelFile:
    """A model's metadata and tensors, read without llama.cpp.

    ``metadata`` is that of the first part.
    """

    path: Path
    metadata: FileMetadata
    tensors: Sequence[Tensor]

    @property
    def bits_per_weight(self) -> float:
        """Bits of all tensors, over all weights."""
        n_weights = sum(tensor.n_weights for tensor in self.tensors)
        return 8 * sum(tensor.n_bytes for tensor in self.tensors) / n_weights

    @property
    def types(self) -> dict[str, int]:
        """Weights by the type that they are stored in, the most frequent first."""
        count: Counter[str] = Counter()
        for tensor in self.tensors:
            count[tensor.type] += tensor.n_weights
        return dict(count.most_common())


def read_model(path: Path) -> ModelFile:
    """Read all parts of a model; ModelError for one that is missing, damaged or cut off."""
    metadata: list[FileMetadata] = []
    tensors: list[Tensor] = []
    for part in model_files(path):
        if not part.exists():
            raise ModelError(f"{path.name} is one part of a split model and {part} is missing")
        if not part.is_file():
            raise ModelError(f"{part} is no file but a device, a pipe or a directory")
        check_header(part)
        metadata.append(read_metadata(part))
        check_metadata(part, metadata[-1])
        found = read_tensors(part, metadata[-1])
        size = part.stat().st_size
        for tensor in found:
            if tensor.begin + tensor.n_bytes > size:
                raise ModelError(
                    f"{part} is incomplete: {tensor.name} goes to byte "
                    f"{tensor.begin + tensor.n_bytes:,}, and the file has {size:,}; download or "
                    "copy it again"
                )
        tensors += found
    return ModelFile(path, metadata[0], tensors)
