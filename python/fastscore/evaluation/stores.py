"""Where a run keeps what the model answered, so that it can go on after it was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fastscore import machine
from fastscore.storage.block_store import CACHE_LIMIT_BYTES, STORE_FILE, space_key
from fastscore.storage.generation_store import GenerationStore, generation_space
from fastscore.storage.score_store import Store

if TYPE_CHECKING:
    from fastscore.model import Model


class Stores:
    """The stores of one model: ``choices`` of scored requests, ``texts`` of generated samples.

    Both are in one file: below ``output``, or in the user's cache where that is None.
    """

    def __init__(
        self,
        model: Model,
        version: str,
        *,
        output: str | os.PathLike[str] | None,
        notify: Callable[[str], None],
        resume: bool,
    ) -> None:
        if output is None:
            path, limit = machine.cache_directory() / STORE_FILE, CACHE_LIMIT_BYTES
        else:
            path, limit = Path(output) / ".fastscore" / STORE_FILE, None
        decisive = (model.fingerprint, model.settings.affecting_numbers(), version)
        said: set[str] = set()

        def once(message: str) -> None:
            """Say once what both stores find of the file that they share."""
            if message not in said:
                said.add(message)
                notify(message)

        self.path = path
        self.choices = Store(
            path,
            space_key(*decisive),
            label=model.located.origin,
            notify=once,
            resume=resume,
            limit_bytes=limit,
        )
        self.texts = GenerationStore(
            path,
            generation_space(*decisive),
            label=model.located.origin,
            notify=once,
            resume=resume,
            limit_bytes=limit,
        )

    @property
    def usable(self) -> bool:
        """Whether anything can be kept."""
        return self.choices.usable and self.texts.usable

    @property
    def saved(self) -> bool:
        """Whether everything is on disk."""
        return self.choices.saved and self.texts.saved

    def flush(self) -> None:
        """Write what is pending and wait until it is on disk."""
        self.choices.flush()
        self.texts.flush()

    def close(self) -> None:
        """Write what is pending and close the file; a second call does nothing."""
        self.choices.close()
        self.texts.close()
