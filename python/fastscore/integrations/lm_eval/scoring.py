"""Likelihoods for lm-eval: its lists cut where too long, as token ids, scored, in their order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastscore.errors import TokenizerError
from fastscore.model import Model
from fastscore.tokenise import EncodedRequests, encode_windows

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

_log = logging.getLogger(__name__)

Answer = tuple[float, bool]
"""Log-likelihood of a continuation, and whether each of its tokens was the likeliest."""

# Text that is tokenised and planned at a time; the prompts of lm-eval's longest tasks together
# would take gigabytes as token ids. What two parts share is decoded once in each.
_PART_CHARACTERS = 16 * 2**20

ROLLING_CHARACTERS = 2**16
"""Text that is scored as a whole and told at a time: some thirty full batches."""


def parts_of(
    requests: Sequence[Instance], most_characters: int = _PART_CHARACTERS
) -> Iterator[list[Instance]]:
    """Cut a list where its text, contexts that follow each other counted once, gets too long."""
    part: list[Instance] = []
    size, last = 0, None
    for request in requests:
        context = request.args[0]
        if context != last:
            if size > most_characters:
                yield part
                part, size = [], 0
            size += len(context)
            last = context
        part.append(request)
    if part:
        yield part


def encode_text(model: Model, text: str, add_bos: bool | None) -> list[int]:
    """Token ids of a text, with BOS in front as the model has it, or as ``add_bos`` says."""
    info, ids = model.info, model.tokenize(text)
    if not info.add_bos or info.bos is None:
        return ids
    spelled = bool(info.bos_text) and text.startswith(info.bos_text)
    if add_bos is False and not spelled:
        return ids[1:]
    return [info.bos, *ids] if add_bos and spelled else ids


def encode_ids(
    requests: Sequence[tuple[Sequence[int], Sequence[int]]], max_length: int
) -> EncodedRequests:
    """Take pairs of token ids, context and continuation, as they are but for the window.

    TokenizerError for a pair with an empty side.
    """
    contexts: dict[tuple[int, ...], np.ndarray[Any, Any]] = {}
    windows = []
    for context, continuation in requests:
        if not context or not continuation:
            raise TokenizerError(
                "a request has no token before its continuation, or none in it; there is "
                "nothing to score"
            )
        ids = contexts.setdefault(tuple(context), np.asarray(context, dtype=np.int32))
        windows.append((ids, np.asarray(continuation, dtype=np.int32)))
    return encode_windows(windows, max_length)


def score(
    model: Model, encoded: EncodedRequests, keep: Callable[[int, Answer], object]
) -> list[Answer]:
    """Score requests; ``keep`` is given each answer, by number, when its step is done.

    Says in the log how many requests lost tokens or have a continuation without a token.
    """
    if encoded.n_truncated:
        _log.warning(
            "%d of %d requests are longer than the window of %d tokens and lost tokens from the "
            "left",
            encoded.n_truncated,
            encoded.n,
            model.settings.max_length,
        )
    if encoded.n_boundary:
        _log.warning(
            "%d of %d continuations have no token of their own, because one token spans the border "
            "to the context, and are scored by that token; lm-eval's HF backend stops at such a "
            "request",
            encoded.n_boundary,
            encoded.n,
        )
    answers: dict[int, Answer] = {}
    for done in model.scoring(encoded):
        for i, logprob, is_greedy in zip(
            done.index.tolist(), done.logprob.tolist(), done.is_greedy.tolist(), strict=True
        ):
            answers[i] = (logprob, is_greedy)
            keep(i, answers[i])
    return [answers[i] for i in range(encoded.n)]
