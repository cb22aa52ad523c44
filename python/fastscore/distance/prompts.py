"""The texts of a task's items, as a distance is measured on them."""

from __future__ import annotations

from collections.abc import Iterable

from fastscore.types import Item, OpenItem

Prompt = str | tuple[str, str]
"""A whole text, or a context with the continuation that is compared."""


def prompts_of(items: Iterable[Item | OpenItem]) -> list[Prompt]:
    """Return what to compare two models on for these items.

    Of a question with choices: the right choices after their context. A score is made of the
    distributions before a choice's tokens, and of them only those along a right choice have a right
    token; wrong choices would count its loss of probability as a gain. Of a question that is
    answered freely: its prompt, all of it.
    """
    prompts: list[Prompt] = []
    for item in items:
        if isinstance(item, OpenItem):
            prompts.append(item.context)
        else:
            prompts += [(item.context_of(c), item.continuations[c]) for c in item.gold]
    return prompts
