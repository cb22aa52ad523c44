"""All hostile programs; their names are unique."""

from __future__ import annotations

from hostile.answers import ANSWERS
from hostile.equality import EQUALITY
from hostile.escapes import ESCAPES
from hostile.files import REACHING
from hostile.frames import FRAMES
from hostile.inside import INSIDE
from hostile.leaving import LEAVING
from hostile.machinery import MACHINERY
from hostile.resources import RESOURCES
from hostile.wording import WORDING

SUITE = (
    *RESOURCES,
    *LEAVING,
    *MACHINERY,
    *EQUALITY,
    *ANSWERS,
    *FRAMES,
    *INSIDE,
    *WORDING,
    *REACHING,
    *ESCAPES,
)
