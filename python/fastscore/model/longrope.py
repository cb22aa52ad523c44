"""LongRoPE models: rotations for short texts and for long ones, and which of them are used.

Phi-3, Phi-4-mini, MiniCPM and others hold two sets of factors for their rotary frequencies. Hugging
Face chooses by the length of the text, the long ones beyond the length that the model was first
trained with. llama.cpp chooses by the cells of the context (``llama_model::get_rope_factors``), and
these are as many as a run needs: what else is asked would change a score. So such models are loaded
with the short factors at any number of cells, and read no text beyond the length these are for,
where both ways agree.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastscore.errors import ModelError
from fastscore.model.gguf_metadata import FileMetadata

LONG, SHORT = "rope_factors_long.weight", "rope_factors_short.weight"
_ORIGINAL = "rope.scaling.original_context_length"
_MORE_THAN_ANY_CONTEXT = 2**31 - 1
# A key's bytes in llama_model_kv_override, less the zero at its end.
_LONGEST_KEY = 127


@dataclass(frozen=True)
class ShortFactors:
    """Which texts a model's short factors are for: up to ``n_ctx`` tokens, as ``key`` says."""

    key: str
    n_ctx: int


def short_factors(path: Path, metadata: FileMetadata, tensors: Set[str]) -> ShortFactors | None:
    """What the file says of its short factors; None for models without two sets of factors.

    ``metadata`` is that of the first part, ``tensors`` the names of those of all parts. Raises
    ModelError for files that do not say which factors are for what.
    """

    def refuse(why: str) -> ModelError:
        return ModelError(
            f"{path} is damaged or was converted wrongly: {why}; download it again, or convert the "
            "model anew"
        )

    present = tensors & {LONG, SHORT}
    if not present:
        return None
    values = metadata.values
    architecture = str(values.get("general.architecture", "unknown"))
    key = f"{architecture}.{_ORIGINAL}"
    length = values.get(key, values.get(f"{architecture}.context_length"))  # as llama.cpp does
    if len(present) == 1:
        raise refuse(f"it holds {min(present)} without its counterpart")
    if not isinstance(length, int) or length < 1:
        raise refuse(f"{key} is {length!r}, and must be the tokens that its short factors are for")
    # Both take their measure from the same key, which cannot be set for the factors alone.
    is_yarn = values.get(f"{architecture}.rope.scaling.type") == "yarn"
    if is_yarn or f"{architecture}.attention.temperature_scale" in values:
        other = "YaRN" if is_yarn else "an attention temperature"
        raise refuse(f"{key} is there for the factors of LongRoPE and for {other}")
    return ShortFactors(key, length)


def pinned(api: Any, factors: ShortFactors) -> Any:
    """Overrides for llama.cpp's loader, after which no context is long enough for long factors.

    The caller keeps them until the model is loaded.
    """
    overrides = (api.llama_model_kv_override * 2)()  # the second, empty one ends the list
    # A longer key belongs to no architecture that llama.cpp knows, which it says itself.
    overrides[0].key = factors.key.encode()[:_LONGEST_KEY]
    overrides[0].tag = api.LLAMA_KV_OVERRIDE_TYPE_INT
    overrides[0].value.val_i64 = _MORE_THAN_ANY_CONTEXT
    return overrides
