"""The name of an item by its content, by which two runs know that they mean the same one."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from fastscore.types import Item, OpenItem

if TYPE_CHECKING:
    from fastscore.results.fields import Fields

_DIGEST = re.compile(r"[0-9a-f]{16}")


def item_digest(item: Item | OpenItem) -> str:
    """Return 16 hexadecimal digits: the first 8 bytes of SHA-256 over what the item is made of.

    Of a choice among answers: contexts, continuations and the right choices; of a prompt to write
    after: its text, the stop texts and the reference. As JSON, so that no two items give the same
    bytes. 64 bits are for telling apart the items of one task, not for withstanding a forger.
    """
    if isinstance(item, Item):
        content: list[object] = [item.contexts, item.continuations, item.gold]
    else:
        content = [item.context, item.stop, item.gold]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def read_digest(fields: Fields) -> str | None:
    """Read an item's digest back; None for files of schema versions 1 and 2, which have none."""
    if "item" not in fields.values:
        return None
    digest = fields.text("item")
    if not _DIGEST.fullmatch(digest):
        raise fields.wrong("item", "16 hexadecimal digits")
    return digest
