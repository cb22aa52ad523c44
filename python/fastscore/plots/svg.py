"""A plot as an ``<svg>`` element for a page: colours by role, texts in the page's own font.

matplotlib writes colours and fonts into ``style`` attributes and marks into definitions with ids.
Here all of it becomes plain attributes and, for colours, classes: a page that allows no style but
its own sheet can show it, several plots have no id in common, and a dark screen gets its colours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from fastscore.plots.canvas import BACKGROUND, Plot
from fastscore.plots.palette import ROLES

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_ROLE = {colour: role for role, colour in ROLES.items()}
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")

# A notebook's page may be light or dark and its sheet is not ours: texts take the colour of the
# text around them, all else is of a middling lightness that is seen on both.
_PLAIN = {
    "ink": "currentColor",
    "muted": "currentColor",
    "paper": "none",
    "grid": "#80808040",
    "band": "#4a90d930",
    "axis": "#868e96",
    "m0": "#2b83c6",
    "m1": "#d9622b",
    "m2": "#1b9a76",
    "m3": "#b95796",
    "m4": "#b07f14",
    "m5": "#3f9bd0",
    "m6": "#8069c8",
    "worse": "#cf4238",
    "better": "#1b9a60",
    "equal": "#2b83c6",
}

Colours = Literal["classes", "plain"]


def inline_svg(plot: Plot, colours: Colours = "classes") -> str:
    """Return the plot as an ``<svg>`` element with a title, a description and a tip at each mark.

    With ``classes``, what is filled or drawn in the colour of a role has the class ``f-ROLE`` or
    ``s-ROLE``, which the page's sheet gives a colour; with ``plain``, colours are written out.
    """
    drawn = ElementTree.fromstring(plot.to_bytes("svg"))
    marks = {f"#{path.get('id')}": path for path in drawn.iter(f"{_SVG}path")}
    svg = Element(
        "svg",
        {
            "viewBox": drawn.get("viewBox", ""),
            "role": "img",
            "aria-labelledby": f"{plot.name}-title {plot.name}-desc",
            "stroke-linejoin": "round",
        },
    )
    _text(svg, "title", plot.title).set("id", f"{plot.name}-title")
    _text(svg, "desc", plot.description).set("id", f"{plot.name}-desc")
    _copy(drawn, svg, plot, _Marks(marks, colours))
    return ElementTree.tostring(svg, encoding="unicode")


@dataclass(frozen=True, slots=True)
class _Marks:
    """Shapes that are drawn by reference, and how colours are written."""

    shapes: dict[str, Element]
    colours: Colours


def _copy(source: Element, into: Element, plot: Plot, marks: _Marks) -> None:
    """Copy what is drawn; groups are kept only where a tip belongs to one."""
    for child in source:
        gid = child.get("id", "")
        if child.tag == f"{_SVG}g" and gid != BACKGROUND:
            inner = into
            if gid in plot.tips:
                inner = SubElement(into, "g")
                _text(inner, "title", plot.tips[gid])
            _copy(child, inner, plot, marks)
        elif child.tag == f"{_SVG}path":
            _shape(child, into, child.get("d", ""), marks.colours)
        elif child.tag == f"{_SVG}use":
            shape = marks.shapes[child.get(_HREF, "")]
            placed = _shape(child, into, shape.get("d", ""), marks.colours)
            placed.set("transform", f"translate({_short(child.get('x'))} {_short(child.get('y'))})")
        elif child.tag == f"{_SVG}text":
            text = _styled(SubElement(into, "text"), child, marks.colours)
            text.set("x", _short(child.get("x")))
            text.set("y", _short(child.get("y")))
            text.text = child.text


def _shape(source: Element, into: Element, path: str, colours: Colours) -> Element:
    shape = _styled(SubElement(into, "path"), source, colours)
    shape.set("d", " ".join(_short(path).split()))
    return shape


def _styled(element: Element, source: Element, colours: Colours) -> Element:
    """Give ``element`` the looks of ``source``, all but the family of the font."""
    classes = []
    for declaration in source.get("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        role = _ROLE.get(value)
        if role is not None and colours == "classes":
            classes.append(f"{key[0]}-{role}")
        elif role is not None:
            element.set(key, _PLAIN.get(role, value))
        elif key and key != "font-family":
            element.set(key, value.removesuffix("px"))
    if classes:
        element.set("class", " ".join(classes))
    return element


def _text(into: Element, tag: str, text: str) -> Element:
    element = SubElement(into, tag)
    element.text = text
    return element


def _short(numbers: str | None) -> str:
    """Round to a tenth of a pixel."""
    return _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.1f}", numbers or "0")
