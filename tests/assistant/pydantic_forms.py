"""Answers as tools describe them to pydantic."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

from pydantic import BaseModel, Field


class Verdict(BaseModel):
    verdict: Literal["yes", "no", "idk"]
    reason: Optional[str] = Field(default=None)  # noqa: UP045 (as tools write it)


class Verdicts(BaseModel):
    verdicts: list[Verdict]


class Statement(BaseModel):
    statement: str = Field(..., description="the statement")
    reason: str
    verdict: int


class Statements(BaseModel):
    statements: list[Statement]


class Confusion(BaseModel):
    TP: list[Statement]
    FP: list[Statement]
    FN: list[Statement]


class Score(BaseModel):
    reason: str
    score: int = Field(ge=0, le=10)
    confidence: float = Field(gt=0, lt=1)


class Colour(Enum):
    red = "red"
    blue = 2


class Node(BaseModel):
    name: str
    left: Optional[Node] = None  # noqa: UP045
    children: list[Node] = []


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    breed: Annotated[str, Field(pattern=r"^[a-z]+$")]


class Bird(BaseModel):
    kind: Literal["bird"] = "bird"
    sings: bool = True
    chicks: list[Annotated[Union[Cat, Bird], Field(discriminator="kind")]] = []  # noqa: UP007


class Pet(BaseModel, extra="forbid"):
    pet: Union[Cat, Dog, Bird] = Field(discriminator="kind")  # noqa: UP007


class Everything(BaseModel, extra="allow"):
    a: int
    b: float
    c: bool
    d: dict[str, int]
    e: tuple[int, str]
    f: list[list[float]]
    g: Colour
    h: Literal[3, "x", None, True]
    i: Union[int, str, None]  # noqa: UP007
    j: Any
    k: date
    m: datetime
    n: UUID
    o: set[Colour]
    p: Annotated[str, Field(min_length=3, max_length=5)]
    q: Annotated[list[int], Field(min_length=2, max_length=3)]
    r: dict[Colour, dict[str, Any]] = {}
    s: dict[str, Any]
    t: None


class Empty(BaseModel):
    pass


FORMS: list[type[BaseModel]] = [
    Verdicts,
    Statements,
    Confusion,
    Score,
    Node,
    Pet,
    Everything,
    Empty,
]
