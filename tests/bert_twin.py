"""BERT in plain numpy: what a file's weights make of token ids, computed the obvious way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader

from models.blocks import EPS, HEAD_DIM, N_HEAD

Array = npt.NDArray[np.float64]


class BertTwin:
    """Outputs of a tiny BERT, [n_tokens, n_embd], without batch, cache or kernels."""

    def __init__(self, path: Path) -> None:
        reader = GGUFReader(path)
        self._tensors = {one.name: one.data.astype(np.float64) for one in reader.tensors}

    def outputs(self, ids: list[int]) -> Array:
        t = self._tensors
        x = t["token_embd.weight"][ids] + t["token_types.weight"][0]
        x = self._norm(x + t["position_embd.weight"][: len(ids)], "token_embd_norm")
        for i in range(2):
            x = self._norm(x + self._attention(x, f"blk.{i}"), f"blk.{i}.attn_output_norm")
            hidden = _gelu(self._linear(x, f"blk.{i}.ffn_up"))
            x = self._norm(
                x + self._linear(hidden, f"blk.{i}.ffn_down"), f"blk.{i}.layer_output_norm"
            )
        return x

    def _attention(self, x: Array, layer: str) -> Array:
        heads = []
        q, k, v = (self._linear(x, f"{layer}.attn_{part}") for part in "qkv")
        for head in range(N_HEAD):
            part = slice(head * HEAD_DIM, (head + 1) * HEAD_DIM)
            scores = q[:, part] @ k[:, part].T / np.sqrt(HEAD_DIM)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, part])
        return self._linear(np.concatenate(heads, axis=1), f"{layer}.attn_output")

    def _linear(self, x: Array, name: str) -> Array:
        return x @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _norm(self, x: Array, name: str) -> Array:
        centred = x - x.mean(axis=1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPS)
        return scaled * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]


def _gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
