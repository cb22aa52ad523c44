"""Decoders with attention, at toy size: two to four layers, well under 2 MB.

Names and shapes of tensors are those that llama.cpp's ``src/models/*.cpp`` asks for.
"""

from __future__ import annotations

import numpy as np
from gguf import GGUFWriter, RopeScalingType

from .blocks import (
    ATTENTION_GAIN,
    EPS,
    HEAD_DIM,
    LOGIT_GAIN,
    MIX_GAIN,
    N_EMBD,
    N_FF,
    N_HEAD,
    Options,
    attention,
    attention_keys,
    common,
    embedding_and_head,
    experts,
    feed_forward,
)
from .weights import Weights


def llama(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Full attention over all positions."""
    common(writer, options, 2)
    attention_keys(writer)
    embedding_and_head(w, options)
    for i in range(2):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}")
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        feed_forward(w, f"blk.{i}")


def longrope(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Llama with rotary factors for short texts and for long ones, as Phi-3 and MiniCPM have."""
    llama(writer, w, options)
    writer.add_rope_scaling_type(RopeScalingType.LONGROPE)
    writer.add_rope_scaling_orig_ctx_len(options.n_ctx_original)
    w.put("rope_factors_long.weight", np.full(HEAD_DIM // 2, 8.0))
    w.put("rope_factors_short.weight", np.full(HEAD_DIM // 2, 1.0))


def yarn(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Llama with YaRN, whose rotation depends on the original length."""
    llama(writer, w, options)
    writer.add_rope_scaling_type(RopeScalingType.YARN)
    writer.add_rope_scaling_factor(options.n_ctx_train / options.n_ctx_original)
    writer.add_rope_scaling_orig_ctx_len(options.n_ctx_original)


def mixtral(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Llama with 2 of 4 experts a token."""
    common(writer, options, 2)
    attention_keys(writer)
    writer.add_expert_count(4)
    writer.add_expert_used_count(2)
    embedding_and_head(w, options)
    for i in range(2):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}")
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        experts(w, f"blk.{i}", n_expert=4, n_ff=N_FF)


def qwen2(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Biases on q, k and v."""
    common(writer, options, 2)
    attention_keys(writer)
    embedding_and_head(w, options)
    for i in range(2):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}", bias=0.5)
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        feed_forward(w, f"blk.{i}")


def qwen3(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Normalised queries and keys."""
    common(writer, options, 2)
    attention_keys(writer)
    embedding_and_head(w, options)
    for i in range(2):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}", qk_norm=True)
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        feed_forward(w, f"blk.{i}")


def qwen3moe(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Qwen 3 with 3 of 8 small experts a token."""
    common(writer, options, 2)
    attention_keys(writer)
    writer.add_expert_count(8)
    writer.add_expert_used_count(3)
    writer.add_expert_feed_forward_length(32)
    embedding_and_head(w, options)
    for i in range(2):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}", qk_norm=True)
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        experts(w, f"blk.{i}", n_expert=8, n_ff=32)


def _gemma(w: Weights, options: Options, n_layer: int, *, qk_norm: bool) -> None:
    """One table for input and output; Gemma multiplies the input by sqrt(n_embd)."""
    w.embedding("token_embd", options.n_vocab, N_EMBD, std=LOGIT_GAIN / N_EMBD**0.5)
    w.norm("output_norm", N_EMBD)
    for i in range(n_layer):
        w.norm(f"blk.{i}.attn_norm", N_EMBD)
        attention(w, f"blk.{i}", qk_norm=qk_norm)
        w.norm(f"blk.{i}.post_attention_norm", N_EMBD)
        w.norm(f"blk.{i}.ffn_norm", N_EMBD)
        feed_forward(w, f"blk.{i}")
        w.norm(f"blk.{i}.post_ffw_norm", N_EMBD)


def gemma3(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Sliding window in layers 0 and 2, all positions in 1 and 3."""
    common(writer, options, 4)
    attention_keys(writer)
    writer.add_sliding_window(options.window)
    writer.add_sliding_window_pattern(2)
    _gemma(w, options, 4, qk_norm=True)


def gemma3_window_only(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Sliding window in both layers: what lies beyond two windows cannot be seen at all."""
    common(writer, options, 2)
    attention_keys(writer)
    writer.add_sliding_window(options.window)
    writer.add_sliding_window_pattern([True, True])
    _gemma(w, options, 2, qk_norm=True)


def gemma2(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Soft caps on attention scores and logits; sliding window in every other layer."""
    common(writer, options, 4)
    attention_keys(writer)
    writer.add_sliding_window(options.window)
    writer.add_attn_logit_softcapping(50.0)
    writer.add_final_logit_softcapping(8.0)
    _gemma(w, options, 4, qk_norm=False)


def gpt2(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Learned positions: there is no position beyond the training length."""
    common(writer, options, 2)
    writer.add_head_count(N_HEAD)
    writer.add_feed_forward_length(N_FF)
    writer.add_layer_norm_eps(EPS)
    embedding_and_head(w, options, bias=True)
    w.embedding("position_embd", options.n_ctx_train, N_EMBD, std=0.5)
    _fused_blocks(w, 2)


def gptneox(writer: GGUFWriter, w: Weights, options: Options) -> None:
    """Parallel attention and feed-forward, rotation of half of each head."""
    common(writer, options, 2)
    writer.add_head_count(N_HEAD)
    writer.add_feed_forward_length(N_FF)
    writer.add_layer_norm_eps(EPS)
    writer.add_parallel_residual(True)
    writer.add_rope_dimension_count(HEAD_DIM // 2)
    embedding_and_head(w, options, bias=True)
    _fused_blocks(w, 2)


def _fused_blocks(w: Weights, n_layer: int) -> None:
    """GPT-2's block: one matrix for q, k and v, biases everywhere, no gate."""
    for i in range(n_layer):
        w.norm(f"blk.{i}.attn_norm", N_EMBD, bias=True)
        w.linear(f"blk.{i}.attn_qkv", 3 * N_EMBD, N_EMBD, gain=ATTENTION_GAIN, bias=0.1)
        w.linear(f"blk.{i}.attn_output", N_EMBD, N_EMBD, gain=MIX_GAIN, bias=0.1)
        w.norm(f"blk.{i}.ffn_norm", N_EMBD, bias=True)
        w.linear(f"blk.{i}.ffn_up", N_FF, N_EMBD, bias=0.1)
        w.linear(f"blk.{i}.ffn_down", N_EMBD, N_FF, bias=0.1)
