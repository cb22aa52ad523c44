"""Text pairs to token ids, by the conventions of lm-evaluation-harness.

The conventions (``TemplateLM._encode_pair`` and ``HFLM.tok_encode`` of lm-eval 0.4.13):

* White space at the end of a context moves to the front of the continuation.
* Context and continuation are tokenised together; the continuation's tokens are those after as
  many as the context alone has.
* BOS is put in front where the model's tokenizer says so, unless the text spells it already.
* An empty context is the prefix token: BOS, or EOS for a model without BOS.
* A continuation that has no token of its own, because one token spans the border, is scored by
  the last token of the whole text (lighteval's rule; lm-eval stops there). Such pairs are counted.
* A pair longer than the window loses tokens from the left of its context, and is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from fastscore.errors import TokenizerError

Ids = npt.NDArray[np.int32]
Encode = Callable[[Sequence[str]], list[Ids]]
"""Texts to token ids, without BOS or EOS around them, special tokens in the text recognised."""

# Pairs tokenised at a time: the joined texts of a long few-shot task would not all fit in memory.
_CHUNK = 2048


@dataclass(frozen=True, slots=True)
class BosPolicy:
    """What is put in front of a text.

    ``bos`` and ``eos`` are token ids or None; ``bos_text`` is how BOS is spelled in a text;
    ``add_bos`` whether this model's texts begin with BOS.
    """

    add_bos: bool
    bos: int | None
    eos: int | None
    bos_text: str

    @property
    def prefix_token(self) -> int:
        """The token that stands for an empty context."""
        token = self.bos if self.bos is not None else self.eos
        if token is None:
            raise TokenizerError(
                "an empty context needs a BOS or EOS token and this model's tokenizer has neither; "
                "give every item a context"
            )
        return token

    def describe(self) -> str:
        """One line for tables and results."""
        if not self.add_bos:
            return "no BOS in front (as the model file says)"
        return f"BOS {self.bos_text!r} ({self.bos}) in front, unless the text begins with it"


@dataclass(frozen=True)
class EncodedRequests:
    """Token ids of many requests; a context that several of them continue is stored once.

    Request ``i`` continues context number ``context_of[i]`` with continuation number ``i``; the
    ids of context ``c`` are ``context_ids[context_offsets[c]:context_offsets[c + 1]]``, and
    likewise for continuations.
    """

    context_ids: Ids
    context_offsets: npt.NDArray[np.int64]
    context_of: npt.NDArray[np.int32]
    continuation_ids: Ids
    continuation_offsets: npt.NDArray[np.int64]
    n_truncated: int = 0
    n_boundary: int = 0

    @property
    def n(self) -> int:
        """Number of requests."""
        return len(self.context_of)

    def context(self, request: int) -> Ids:
        """Token ids that the model reads before the continuation."""
        c = self.context_of[request]
        return self.context_ids[self.context_offsets[c] : self.context_offsets[c + 1]]

    def continuation(self, request: int) -> Ids:
        """Token ids that are scored."""
        begin, end = self.continuation_offsets[request : request + 2]
        return self.continuation_ids[begin:end]

    @cached_property
    def digests(self) -> list[bytes]:
        """16 bytes per request that identify its token ids, as they are decoded."""
        seen: dict[int, hashlib.blake2b] = {}
        digests = []
        for i, c in enumerate(self.context_of.tolist()):
            if c not in seen:
                seen[c] = hashlib.blake2b(self.context(i).tobytes(), digest_size=16)
                # Ends the context: ids are never negative, so no other split gives these bytes.
                seen[c].update(b"\xff\xff\xff\xff")
            state = seen[c].copy()
            state.update(self.continuation(i).tobytes())
            digests.append(state.digest())
        return digests


class _Collector:
    """Grows the arrays of an :class:`EncodedRequests`."""

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length
        self._contexts: list[Ids] = []
        # By identity: holding the array keeps its id from being given to another.
        self._numbers: dict[tuple[int, int], tuple[int, Ids]] = {}
        self._context_of: list[int] = []
        self._continuations: list[Ids] = []
        self.n_truncated = 0
        self.n_boundary = 0

    def add(self, context: Ids, continuation: Ids) -> None:
        """Add a request; contexts that are the very same array are stored once."""
        if len(continuation) > self._max_length:
            raise TokenizerError(
                f"a continuation has {len(continuation)} tokens, more than the window of "
                f"{self._max_length}; raise n_ctx or shorten the choice"
            )
        # lm-eval keeps the last max_length + 1 tokens of context and continuation together.
        excess = max(0, len(context) + len(continuation) - (self._max_length + 1))
        if excess:
            self.n_truncated += 1
        number, _ = self._numbers.setdefault((id(context), excess), (len(self._contexts), context))
        if number == len(self._contexts):
            self._contexts.append(context[excess:])
        self._context_of.append(number)
        self._continuations.append(continuation)

    def collect(self) -> EncodedRequests:
        context_ids, context_offsets = _concatenate(self._contexts)
        continuation_ids, continuation_offsets = _concatenate(self._continuations)
        return EncodedRequests(
            context_ids,
            context_offsets,
            np.asarray(self._context_of, dtype=np.int32),
            continuation_ids,
            continuation_offsets,
            self.n_truncated,
            self.n_boundary,
        )


def _concatenate(parts: list[Ids]) -> tuple[Ids, npt.NDArray[np.int64]]:
    offsets = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    ids = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
    return ids.astype(np.int32, copy=False), offsets


def _with_bos(policy: BosPolicy, text: str, ids: Ids) -> Ids:
    if not policy.add_bos or policy.bos is None:
        return ids
    if policy.bos_text and text.startswith(policy.bos_text):
        return ids
    return np.concatenate([np.asarray([policy.bos], dtype=np.int32), ids])


def encode_text(text: str, encode: Encode, policy: BosPolicy) -> Ids:
    """Token ids of one text, BOS in front where the policy says so."""
    return _with_bos(policy, text, encode([text])[0])


@dataclass(frozen=True, slots=True)
class EncodedPrompts:
    """Token ids of prompts: those of prompt i are ``ids[offsets[i]:offsets[i + 1]]``.

    ``n_truncated`` counts prompts that lost tokens from the left.
    """

    ids: Ids
    offsets: npt.NDArray[np.int64]
    n_truncated: int

    @property
    def lengths(self) -> list[int]:
        """Tokens of each prompt."""
        return np.diff(self.offsets).tolist()  # type: ignore[no-any-return]


def encode_prompts(
    texts: Sequence[str], rooms: Sequence[int], encode: Encode, policy: BosPolicy
) -> EncodedPrompts:
    """Token ids of prompts to continue, as lm-eval's ``generate_until`` has them.

    The whole text is tokenised, white space at its end included, BOS in front where the policy says
    so. A prompt keeps its last ``rooms[i]`` tokens, BOS or not. An empty one is the prefix token.
    """
    prefix = _Prefix(policy)
    kept: list[Ids] = []
    n_truncated = 0
    for begin in range(0, len(texts), _CHUNK):
        chunk = texts[begin : begin + _CHUNK]
        for text, ids, room in zip(chunk, encode(chunk), rooms[begin:], strict=False):
            whole = _with_bos(policy, text, ids)
            n_truncated += len(whole) > room
            kept.append(whole[-room:] if len(whole) else prefix.ids)
    return EncodedPrompts(*_concatenate(kept), n_truncated)


def encode_pairs(
    pairs: Sequence[tuple[str, str]], encode: Encode, policy: BosPolicy, max_length: int
) -> EncodedRequests:
    """Token ids of (context, continuation) pairs under the conventions above.

    ``max_length`` is the window in tokens. Raises TokenizerError for an empty continuation and
    for one that is longer than the window.
    """
    collector = _Collector(max_length)
    prefix = _Prefix(policy)
    contexts: dict[str, Ids] = {}
    for begin in range(0, len(pairs), _CHUNK):
        chunk = [_move_space(*pair) for pair in pairs[begin : begin + _CHUNK]]
        new = list(dict.fromkeys(c for c, _ in chunk if c and c not in contexts))
        for text, ids in zip(new, encode(new), strict=True):
            contexts[text] = _with_bos(policy, text, ids)
        wholes = encode([context + continuation for context, continuation in chunk])
        for i, ((context, continuation), ids) in enumerate(zip(chunk, wholes, strict=True)):
            if not continuation:
                raise TokenizerError(
                    f"pair {begin + i} has an empty continuation; there is nothing to score"
                )
            if context:
                whole = _with_bos(policy, context + continuation, ids)
                _add_pair(collector, contexts[context], whole, prefix)
            else:
                _add_without_context(collector, ids, prefix)
        # Requests of one context follow each other; remembering all of a long task's would not fit.
        last = chunk[-1][0]
        contexts = {last: contexts[last]} if last in contexts else {}
    return collector.collect()


def _move_space(context: str, continuation: str) -> tuple[str, str]:
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation


class _Prefix:
    """The context of requests without one; asked of the policy only when it is needed."""

    def __init__(self, policy: BosPolicy) -> None:
        self._policy = policy

    @cached_property
    def ids(self) -> Ids:
        return np.asarray([self._policy.prefix_token], dtype=np.int32)


def _add_pair(collector: _Collector, context: Ids, whole: Ids, prefix: _Prefix) -> None:
    continuation = whole[len(context) :]
    if len(continuation) == 0:
        collector.n_boundary += 1
        context, continuation = whole[:-1], whole[-1:]
    collector.add(context if len(context) else prefix.ids, continuation)


def _add_without_context(collector: _Collector, ids: Ids, prefix: _Prefix) -> None:
    if len(ids) > 1 and ids[0] == prefix.ids[0]:
        ids = ids[1:]
    collector.add(prefix.ids, ids)


def rolling_windows(ids: Ids, prefix_token: int, max_length: int) -> Iterator[tuple[Ids, Ids]]:
    """Cut a text into (context, continuation) windows that score each token exactly once.

    lm-eval's ``get_rolling_token_windows(context_len=1)`` made disjoint: the first window has the
    prefix token as context, each later one the single token before it, preceded by as much of the
    text as the window holds.
    """
    borders = [*range(0, len(ids), max_length), len(ids)]
    for begin, end in pairwise(borders):
        if begin == 0:
            context = np.asarray([prefix_token], dtype=np.int32)
        else:
            context = ids[max(0, end - max_length - 1) : begin]
        yield context, ids[begin:end]


def encode_windows(windows: Sequence[tuple[Ids, Ids]], max_length: int) -> EncodedRequests:
    """Requests of (context, continuation) token ids, as they are."""
    collector = _Collector(max_length)
    for context, continuation in windows:
        collector.add(context, continuation)
    return collector.collect()
