"""A long text cut as llama-perplexity cuts it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastscore.errors import UsageError
from fastscore.tokenise import Ids

# Below this no token has both a context and a token after it in the second half.
_LEAST = 3


def text_windows(
    ids: Sequence[int], bos: int | None, n_ctx: int, max_windows: int | None
) -> list[tuple[Ids, Ids]]:
    """Cut a text into (context, continuation) windows of ``n_ctx`` tokens without overlap.

    The first half of a window is context only; tokens that fill no window are left out. With
    ``bos`` the whole text begins with it, and it takes the place of each later window's first token
    (``perplexity`` in llama.cpp's tools/perplexity/perplexity.cpp). Raises UsageError for a text
    of less than two windows, as that program refuses it.
    """
    check_window(n_ctx, max_windows)
    whole = np.asarray([*([] if bos is None else [bos]), *ids], dtype=np.int32)
    if len(whole) < 2 * n_ctx:
        raise UsageError(
            f"the text has {len(whole)} tokens, and windows of {n_ctx} need at least "
            f"{2 * n_ctx}, two windows; give a longer text or a smaller n_ctx"
        )
    first = n_ctx // 2
    windows = []
    n_windows = min(len(whole) // n_ctx, max_windows or len(whole))
    for begin in range(0, n_windows * n_ctx, n_ctx):
        window = whole[begin : begin + n_ctx].copy()
        if bos is not None:
            window[0] = bos
        windows.append((window[: first + 1], window[first + 1 :]))
    return windows


def check_window(n_ctx: int, max_windows: int | None) -> None:
    """Raise UsageError for sizes that no text can be cut by."""
    if n_ctx < _LEAST:
        raise UsageError(f"n_ctx is {n_ctx}; a window has at least {_LEAST} tokens")
    if max_windows is not None and max_windows < 1:
        raise UsageError(f"max_chunks is {max_windows}; at least 1 window is to be read")
