"""The store of generated texts: each sample of each prompt by itself.

A sample is found by the content it came from: the space, as for scored requests, and the *digest*
of the prompt's token ids, the sampling, the stops, the limit of tokens and the sample's number.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastscore.storage.block_store import BlockStore, space_key
from fastscore.types import Generation, Sampling

MERGED_BYTES = 2**20  # of one block when blocks are merged

_HEADER = struct.Struct("<16sI")  # digest, bytes of the JSON that follows


def generation_space(fingerprint: str, affecting_numbers: Mapping[str, Any], version: str) -> bytes:
    """Name the space of the texts that a model writes under these settings."""
    return space_key(fingerprint, {**affecting_numbers, "kind": "generations"}, version)


class PromptDigest:
    """What the samples of one prompt are found by.

    ``ids`` are the prompt's token ids as decoded. ``grammar`` is the text that constrains the
    output, if any.
    """

    def __init__(
        self,
        ids: Sequence[int],
        sampling: Sampling,
        stop: Sequence[str],
        max_tokens: int,
        grammar: str | None = None,
    ) -> None:
        rule = asdict(sampling)
        if sampling.temperature == 0:
            # Greedy: no random numbers, and no filter takes the likeliest token away.
            rule = {"temperature": 0.0, "repeat_penalty": sampling.repeat_penalty}
        text = json.dumps([list(ids), rule, list(stop), max_tokens, grammar], sort_keys=True)
        self._state = hashlib.blake2b(text.encode(), digest_size=16)

    def sample(self, number: int) -> bytes:
        """Name the sample of this number, from 0."""
        state = self._state.copy()
        state.update(f"/{number}".encode())
        return state.digest()


class GenerationStore(BlockStore):
    """The generated texts of one space; see `fastscore.storage.block_store.BlockStore`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._known: dict[bytes, bytes] = {}  # JSON by digest; most of it is never looked at
        super().__init__(*args, **options)

    def lookup(self, digests: Sequence[bytes]) -> list[Generation | None]:
        """Find many samples at once; None for those that are not here."""
        self._refresh()
        found = (self._known.get(digest) for digest in digests)
        return [None if text is None else Generation(*json.loads(text)) for text in found]

    def put(self, digest: bytes, generation: Generation) -> None:
        """Keep a sample; it is on disk within ``COMMIT_SECONDS``, or after ``flush``."""
        if not self.usable:
            return
        one = generation
        text = json.dumps(
            [one.text, one.finish_reason, one.n_prompt_tokens, one.n_tokens, one.seconds]
        ).encode()
        self._keep(_HEADER.pack(digest, len(text)) + text)

    def _take_in(self, blocks: Sequence[bytes]) -> int:
        count = 0
        for block in blocks:
            at = 0
            while at < len(block):
                digest, size = _HEADER.unpack_from(block, at)
                at += _HEADER.size + size
                self._known[digest] = block[at - size : at]
                count += 1
        return count

    def _forget(self) -> None:
        self._known = {}

    @property
    def _n_results(self) -> int:
        return len(self._known)

    def _merged(self) -> list[bytes]:
        blocks, current, size = [], [], 0
        for digest, text in self._known.items():
            current.append(_HEADER.pack(digest, len(text)) + text)
            size += len(current[-1])
            if size >= MERGED_BYTES:
                blocks.append(b"".join(current))
                current, size = [], 0
        return [*blocks, b"".join(current)] if current else blocks
