"""The colours of the page, light and dark, and the shapes of the models' marks.

The light colours of plots are those that they are drawn with; the dark ones keep hue and order, and
enough contrast with the dark ground.
"""

from __future__ import annotations

from fastscore.plots.palette import MARKERS, ROLES, SERIES

LIGHT = ROLES | {
    "ground": "#f6f7f9",
    "line": "#dce0e5",
    "accent": "#0a5c9e",
    "soft": "#eef2f6",
    "worse-soft": "#fbeceb",
    "better-soft": "#e7f4ee",
    "equal-soft": "#e8f0f8",
    "open-soft": "#f0f1f3",
}
DARK = {
    "ink": "#e8ebee",
    "muted": "#a3adb8",
    "grid": "#2f363e",
    "axis": "#7d8793",
    "band": "#1f3147",
    "paper": "#171b20",
    "m0": "#6fb4ec",
    "m1": "#f39b6b",
    "m2": "#4fc7a1",
    "m3": "#e08fc2",
    "m4": "#dbb14a",
    "m5": "#8fd0f0",
    "m6": "#b3a1f0",
    "worse": "#ff9a90",
    "better": "#5fd39d",
    "equal": "#7fbdf2",
    "ground": "#0f1215",
    "line": "#2b3138",
    "accent": "#7fbdf2",
    "soft": "#1e242b",
    "worse-soft": "#38201e",
    "better-soft": "#17301f",
    "equal-soft": "#192b3d",
    "open-soft": "#242a31",
}

# In a square of 12 by 12, in the order of `MARKERS`.
_SHAPES = {
    "o": "M6 1a5 5 0 1 0 0 10a5 5 0 1 0 0-10z",
    "s": "M1.5 1.5h9v9h-9z",
    "^": "M6 1l5 9.5h-10z",
    "D": "M6 .5l5.5 5.5l-5.5 5.5l-5.5-5.5z",
    "v": "M6 11l5-9.5h-10z",
    "P": "M4 1h4v3h3v4h-3v3h-4v-3h-3v-4h3z",
    "X": "M3.5 1l2.5 2.5l2.5-2.5l2.5 2.5l-2.5 2.5l2.5 2.5l-2.5 2.5l-2.5-2.5l-2.5 2.5l-2.5-2.5"
    "l2.5-2.5l-2.5-2.5z",
    "<": "M1 6l9.5-5v10z",
    ">": "M11 6l-9.5-5v10z",
}


def mark(index: int) -> tuple[str, str]:
    """Return the class and the path of a model's mark, the ones that plots show it with."""
    return f"f-{SERIES[index % len(SERIES)]}", _SHAPES[MARKERS[index % len(MARKERS)]]


def style_sheet() -> str:
    """Return the variables for both kinds of screen, and the classes that plots refer to."""
    light, dark = _variables(LIGHT), _variables(DARK)
    lines = [
        f":root {{ color-scheme: light; {light} }}",
        "@media screen and (prefers-color-scheme: dark) {",
        f"  :root:not([data-theme=light]) {{ color-scheme: dark; {dark} }}",
        "}",
        f"@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {dark} }} }}",
    ]
    lines += [
        f".f-{role} {{ fill: var(--{role}) }} .s-{role} {{ stroke: var(--{role}) }}"
        for role in ROLES
    ]
    return "\n".join(lines) + "\n"


def _variables(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in colours.items())
