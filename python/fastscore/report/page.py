"""The HTML report: one file with everything in it, which may do nothing but show it.

All texts go through a template that escapes them, and the page's security policy allows the one
style sheet and the one script whose hashes it names: what a model's file or a task's text might
bring along would not run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from fastscore.comparison.plots import difference_plots
from fastscore.plots import Plot, inline_svg, require_matplotlib
from fastscore.report.blocks import TaskBlocks, pack
from fastscore.report.contents import contents
from fastscore.report.figures import interval_plots, tradeoff_plots
from fastscore.report.subject import Showable, Subject, subject_of
from fastscore.report.theme import mark, style_sheet

MOST_BYTES = 1_900_000
"""Texts of items are added as long as the file stays below this."""

# Their tags, and what the script must know of tasks and blocks.
_BESIDE_BLOCKS = 40_000

_SCRIPTS = ("theme.js", "blocks.js", "grid.js", "detail.js", "explorer.js", "start.js")


def to_html(shown: Showable) -> str:
    """Return results, several side by side, or a comparison as a page of its own.

    Raises:
        UsageError: matplotlib is missing, or there is nothing to show.
        ResultsError: the samples of loaded results cannot be read.

    """
    from markupsafe import Markup

    require_matplotlib()
    subject = subject_of(shown)
    comparison = subject.comparison
    values = contents(subject) | {
        "interval_figures": [_figure(plot) for plot in interval_plots(subject)],
        "difference_figures": [_figure(plot) for plot in difference_plots(comparison)]
        if comparison
        else [],
        "tradeoff_figures": [_figure(plot) for plot in tradeoff_plots(subject)],
        "version": version("fastscore-gguf"),
    }
    style, script = _style(), _script()
    values |= {
        "policy": (
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "base-uri 'none'; form-action 'none'"
        ),
        "style": Markup(style),  # the package's own
        "script": Markup(script),
    }
    bare = {"data": "", "blocks": [], "has_texts": True, "left_out": ""}
    fixed = len(_template().render(values | bare).encode("utf-8", "backslashreplace"))
    packed = pack(subject, MOST_BYTES - fixed - _BESIDE_BLOCKS)
    values |= {
        "data": Markup(_json(_client(subject, packed))),
        "blocks": list(_blocks(packed)),
        "has_texts": any(one.has_texts for one in packed),
        "left_out": f"{left:,}" if (left := sum(map(_left_out, packed))) else "",
    }
    page: str = _template().render(values)
    return page


def _figure(plot: Plot) -> dict[str, Any]:
    from markupsafe import Markup

    # Its texts were escaped when the element was written.
    return {"title": plot.title, "aside": plot.aside, "svg": Markup(inline_svg(plot))}


def _client(subject: Subject, packed: list[TaskBlocks]) -> dict[str, Any]:
    """Return what the script must know: models, tasks, and which blocks there are."""
    return {
        "models": [{"label": model.label, "mark": mark(model.index)} for model in subject.models],
        "compares": subject.comparison is not None,
        "mostFlips": _most_flips(subject, packed),
        "tasks": [
            {
                "name": one.task,
                "metrics": one.metrics,
                "binary": one.binary,
                "n": one.n,
                "hasTexts": one.has_texts,
                "blocks": sorted(one.texts),
            }
            for one in packed
        ],
    }


def _most_flips(subject: Subject, packed: list[TaskBlocks]) -> int:
    """Return the task that the first candidate's flips are opened with: one that has some."""
    if subject.comparison is None:
        return 0
    flips = subject.comparison.candidates[0].flips
    return max(
        range(len(packed)),
        key=lambda i: len(flips[packed[i].task]) if packed[i].task in flips else 0,
        default=0,
    )


def _blocks(packed: list[TaskBlocks]) -> Any:
    """Yield the id and the content of each block, as the script looks them up."""
    for i, one in enumerate(packed):
        yield f"numbers-{i}", one.numbers
        for block, content in one.texts.items():
            yield f"texts-{i}-{block}", content


def _left_out(one: TaskBlocks) -> int:
    return sum(len(items) for block, items in enumerate(one.pending) if block not in one.texts)


def _json(values: Any) -> str:
    """Return JSON for a script element, which nothing in it can end."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _style() -> str:
    return style_sheet() + _asset("report.css")


def _script() -> str:
    return '(() => {\n"use strict";\n' + "\n".join(map(_asset, _SCRIPTS)) + "})();\n"


@cache
def _asset(name: str) -> str:
    return (files("fastscore.report") / "assets" / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_asset("page.html"))
