"""Plots below a table in a notebook, where matplotlib is there to draw them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from fastscore.plots.canvas import Plot, has_matplotlib
from fastscore.plots.svg import inline_svg


def fragment(draw: Callable[[], Iterable[Plot]]) -> str:
    """Return plots as an HTML fragment, side by side where there is room; empty without matplotlib.

    They stand on the page's own ground, light or dark.
    """
    if not has_matplotlib():
        return ""
    drawn = []
    for plot in draw():
        # A notebook shows many: ids that are made of the content are shared by equal plots only.
        name = (
            f"fastscore-{zlib.crc32(plot.description.encode('utf-8', 'replace')):08x}-{plot.name}"
        )
        plot = replace(plot, name=name)
        drawn.append(f'<div style="width:360px;max-width:100%">{inline_svg(plot, "plain")}</div>')
    return f'<div style="display:flex;flex-wrap:wrap;gap:16px">{"".join(drawn)}</div>'
