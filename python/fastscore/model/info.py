"""What a model file says of itself."""

from __future__ import annotations

import ctypes
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fastscore.model.fingerprint import model_files
from fastscore.model.ftype import ftype_name
from fastscore.model.metadata import Metadata
from fastscore.model.special_tokens import special_tokens

Kind = Literal["attention", "sliding-window", "recurrent", "hybrid"]


@dataclass(frozen=True)
class ModelInfo:
    """Facts about a loaded model.

    ``kind`` decides how prefixes may be shared. ``quantisation`` is the file's main type as
    llama.cpp names it (``Q4_K_M``); ``description`` is llama.cpp's, whose size is a class of models
    and no count. Sizes in bytes, lengths in tokens; ``weights_bytes`` are those of all tensors,
    which over ``n_params`` give the bits a weight as llama.cpp counts them. ``kv_bytes_per_token``
    is the KV cache of one token at F16, over all layers that keep one. ``full_precision`` says that
    the weights are F32, F16 or BF16, not quantised. ``n_ctx_short`` is there for LongRoPE
    models (Phi-3, MiniCPM): the length of text that their short rotary factors are for, which alone
    are used.
    """

    path: str
    name: str
    architecture: str
    description: str
    quantisation: str
    kind: Kind
    full_precision: bool
    n_params: int
    file_bytes: int
    weights_bytes: int
    n_vocab: int
    n_ctx_train: int
    n_layers: int
    n_heads: int
    kv_bytes_per_token: int
    add_bos: bool
    bos: int | None
    eos: int | None
    bos_text: str
    eos_text: str
    chat_template: str | None
    n_ctx_short: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As stored with results; the chat template is left out for its length."""
        facts = asdict(self)
        facts["has_chat_template"] = facts.pop("chat_template") is not None
        return facts


def _kind(api: Any, model: Any) -> Kind:
    if api.llama_model_is_recurrent(model):
        return "recurrent"
    if api.llama_model_is_hybrid(model):
        return "hybrid"
    return "sliding-window" if api.llama_model_n_swa(model) > 0 else "attention"


def _kv_bytes_per_token(api: Any, model: Any, metadata: Metadata) -> int:
    if api.llama_model_is_recurrent(model):
        return 0
    architecture = metadata.get("general.architecture") or ""
    n_heads = max(1, api.llama_model_n_head(model))
    per_head = api.llama_model_n_embd(model) // n_heads
    key = metadata.integer(f"{architecture}.attention.key_length", per_head)
    value = metadata.integer(f"{architecture}.attention.value_length", per_head)
    f16 = 2
    heads = api.llama_model_n_head_kv(model) or n_heads
    return int(api.llama_model_n_layer(model) * heads * (key + value) * f16)


def describe(api: Any, model: Any, path: Path, n_ctx_short: int | None = None) -> ModelInfo:
    """Read the facts of a loaded model; ``n_ctx_short`` is known from the file's tensors."""
    metadata = Metadata(api, model)
    vocab = api.llama_model_get_vocab(model)
    bos, eos = special_tokens(api, model, metadata, path)

    def text(token: int | None) -> str:
        raw = None if token is None else api.llama_vocab_get_text(vocab, token)
        return raw.decode("utf-8", errors="replace") if raw else ""

    buffer = ctypes.create_string_buffer(256)
    api.llama_model_desc(model, buffer, len(buffer))
    description = buffer.value.decode("utf-8", errors="replace")
    template = api.llama_model_chat_template(model, None)
    architecture = metadata.get("general.architecture") or "unknown"
    return ModelInfo(
        path=str(path),
        name=metadata.get("general.name") or path.stem,
        architecture=architecture,
        description=description,
        quantisation=ftype_name(api, model),
        kind=_kind(api, model),
        full_precision=api.llama_model_ftype(model)
        in (api.LLAMA_FTYPE_ALL_F32, api.LLAMA_FTYPE_MOSTLY_F16, api.LLAMA_FTYPE_MOSTLY_BF16),
        n_params=int(api.llama_model_n_params(model)),
        file_bytes=sum(file.stat().st_size for file in model_files(path)),
        weights_bytes=int(api.llama_model_size(model)),
        n_vocab=int(api.llama_vocab_n_tokens(vocab)),
        n_ctx_train=int(api.llama_model_n_ctx_train(model)),
        n_layers=int(api.llama_model_n_layer(model)),
        n_heads=int(api.llama_model_n_head(model)),
        kv_bytes_per_token=_kv_bytes_per_token(api, model, metadata),
        add_bos=bool(api.llama_vocab_get_add_bos(vocab)),
        bos=bos,
        eos=eos,
        bos_text=text(bos),
        eos_text=text(eos),
        chat_template=template.decode("utf-8", errors="replace") if template else None,
        n_ctx_short=n_ctx_short,
    )
