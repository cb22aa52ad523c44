"""Building blocks that several families share: 64 wide, 4 heads of 16, 2 for keys and values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gguf import GGUFWriter

from .weights import Weights

N_EMBD, N_HEAD, N_HEAD_KV, HEAD_DIM, N_FF = 64, 4, 2, 16, 128
EPS = 1e-5

# Logits of a standard deviation of about 2: likelihoods differ clearly and stay finite.
LOGIT_GAIN = 2.0
# Queries and keys of this gain make scores spread enough for attention to choose.
ATTENTION_GAIN = 1.6
# A mean over many random values is small: the output matrix makes up, or context would not matter.
MIX_GAIN = 4.0


@dataclass(frozen=True)
class Options:
    """What a test may ask of a tiny model beyond its family."""

    n_vocab: int
    n_ctx_train: int
    window: int
    n_ctx_original: int


Build = Callable[[GGUFWriter, Weights, Options], None]


def common(writer: GGUFWriter, options: Options, n_layer: int, *, n_embd: int = N_EMBD) -> None:
    """Keys that every model has."""
    writer.add_context_length(options.n_ctx_train)
    writer.add_embedding_length(n_embd)
    writer.add_block_count(n_layer)
    writer.add_vocab_size(options.n_vocab)


def attention_keys(writer: GGUFWriter, n_head_kv: int | list[int] = N_HEAD_KV) -> None:
    """Keys of models with attention; a head count of 0 marks a layer without."""
    writer.add_head_count(N_HEAD)
    writer.add_head_count_kv(n_head_kv)
    writer.add_key_length(HEAD_DIM)
    writer.add_value_length(HEAD_DIM)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_feed_forward_length(N_FF)
    writer.add_layer_norm_rms_eps(EPS)


def attention(w: Weights, layer: str, *, bias: float | None = None, qk_norm: bool = False) -> None:
    """Grouped-query attention: q, k, v, output."""
    gain = 1.0 if qk_norm else ATTENTION_GAIN
    w.linear(f"{layer}.attn_q", N_HEAD * HEAD_DIM, N_EMBD, gain=gain, bias=bias)
    w.linear(f"{layer}.attn_k", N_HEAD_KV * HEAD_DIM, N_EMBD, gain=gain, bias=bias)
    w.linear(f"{layer}.attn_v", N_HEAD_KV * HEAD_DIM, N_EMBD, bias=bias)
    w.linear(f"{layer}.attn_output", N_EMBD, N_HEAD * HEAD_DIM, gain=MIX_GAIN)
    if qk_norm:
        w.norm(f"{layer}.attn_q_norm", HEAD_DIM, scale=ATTENTION_GAIN)
        w.norm(f"{layer}.attn_k_norm", HEAD_DIM, scale=ATTENTION_GAIN)


def feed_forward(w: Weights, layer: str) -> None:
    """Gated feed-forward."""
    w.linear(f"{layer}.ffn_gate", N_FF, N_EMBD)
    w.linear(f"{layer}.ffn_up", N_FF, N_EMBD)
    w.linear(f"{layer}.ffn_down", N_EMBD, N_FF)


def experts(w: Weights, layer: str, n_expert: int, n_ff: int) -> None:
    """A router and ``n_expert`` gated feed-forwards."""
    w.linear(f"{layer}.ffn_gate_inp", n_expert, N_EMBD, gain=2.0)
    w.linear(f"{layer}.ffn_gate_exps", n_expert, n_ff, N_EMBD)
    w.linear(f"{layer}.ffn_up_exps", n_expert, n_ff, N_EMBD)
    w.linear(f"{layer}.ffn_down_exps", n_expert, N_EMBD, n_ff)


def embedding_and_head(
    w: Weights, options: Options, *, n_embd: int = N_EMBD, bias: bool = False
) -> None:
    """Separate input and output tables."""
    w.embedding("token_embd", options.n_vocab, n_embd)
    w.norm("output_norm", n_embd, bias=bias)
    w.linear("output", options.n_vocab, n_embd, gain=LOGIT_GAIN)
