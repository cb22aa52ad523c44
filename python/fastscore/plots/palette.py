"""Colours by what they mean, and the shapes that say the same without them.

The colours of series are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people
with any of the common colour deficiencies can tell apart, darkened where they would be too pale on
white. A page replaces them by variables of its own, see `fastscore.plots.svg`.
"""

from __future__ import annotations

ROLES = {
    "ink": "#1c2127",
    "muted": "#5c6670",
    "grid": "#e2e6ea",
    "axis": "#8b949e",
    "band": "#e6eef7",
    "paper": "#ffffff",
    "m0": "#0a5c9e",
    "m1": "#c8501a",
    "m2": "#0b7d5d",
    "m3": "#a03f7d",
    "m4": "#9a6a00",
    "m5": "#2b83b8",
    "m6": "#6b50b3",
    "worse": "#b3261e",
    "better": "#0b7d4b",
    "equal": "#0a5c9f",
}
"""Every role has a colour of its own, so that a drawn colour can be traced back to its role."""

SERIES = tuple(role for role in ROLES if role.startswith("m") and role[1:].isdigit())
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
"""Seven colours and nine shapes meet again only after 63 series."""


def series_colour(index: int) -> str:
    """Return the colour of the series ``index``, from 0."""
    return ROLES[SERIES[index % len(SERIES)]]


def series_marker(index: int) -> str:
    """Return the shape of the series ``index``, as matplotlib names it."""
    return MARKERS[index % len(MARKERS)]
