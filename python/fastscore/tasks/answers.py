"""The answer in what a model wrote, and whether it is the right one.

The rules are those of lm-evaluation-harness 0.4.13: its filters ``regex`` and
``remove_whitespace``, and its metric ``exact_match``.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

INVALID = "[invalid]"
"""The answer of an output that holds none."""

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def strip(output: str) -> str:
    """Take the output without the white space around it."""
    return output.strip()


def first_found(pattern: str) -> Callable[[str], str]:
    """Make a function that takes the first match of ``pattern``; `INVALID` where there is none."""
    compiled = re.compile(pattern)

    def extract(output: str) -> str:
        match = compiled.search(output)
        return INVALID if match is None else _found(match)

    return extract


def last_found(pattern: str) -> Callable[[str], str]:
    """Make a function that takes the last match of ``pattern``; `INVALID` where there is none."""
    compiled = re.compile(pattern)

    def extract(output: str) -> str:
        last = None
        for last in compiled.finditer(output):  # noqa: B007 (the last one is wanted)
            pass
        return INVALID if last is None else _found(last)

    return extract


def _found(match: re.Match[str]) -> str:
    """Give the first group that holds something, or the whole match where there are no groups."""
    groups = match.groups(default="")
    if len(groups) < 2:
        return (groups[0] if groups else match[0]).strip()
    return next(filter(None, groups), INVALID).strip()


def exact_match(
    answer: str,
    references: Sequence[str],
    *,
    ignore: Sequence[re.Pattern[str]] = (),
    ignore_case: bool = False,
    ignore_punctuation: bool = False,
) -> bool:
    """Tell whether the answer equals a reference, both without what is to be ignored.

    What matches a pattern of ``ignore`` is deleted, pattern after pattern; then letters are
    lowered and ASCII punctuation is deleted.
    """

    def plain(texts: Sequence[str]) -> npt.NDArray[np.str_]:
        # lm-eval compares numpy's texts, which lose NULs at their end, and keep their width where
        # lowering would add to it (U+0130 becomes two characters): so the same is done here.
        array = np.array(texts, dtype=np.str_)
        for pattern in ignore:
            array = np.array([pattern.sub("", text) for text in array], dtype=np.str_)
        if ignore_case:
            array = np.char.lower(array)
        if ignore_punctuation:
            array = np.array([text.translate(_NO_PUNCTUATION) for text in array], dtype=np.str_)
        return array

    return bool(np.any(plain([answer]) == plain(references)))
