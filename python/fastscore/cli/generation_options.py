"""The options of ``fastscore`` about generated texts and the code in them.

Options without a value have an empty ``metavar``: typer would show ``<bool>`` for one.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

_TEXTS = "Generated texts"
_CODE = "Running the code in generated texts"


class Confinement(str, Enum):
    """How programs are confined."""

    STRONG = "strong"
    WEAK = "weak"


Samples = Annotated[
    int | None,
    typer.Option(
        "--n", metavar="N", help="Texts for each problem (default: 1)", rich_help_panel=_TEXTS
    ),
]
K = Annotated[
    str | None,
    typer.Option(
        "--k",
        metavar="A,B,...",
        help="Numbers to estimate pass@k for, each at most N (default: 1)",
        rich_help_panel=_TEXTS,
    ),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        metavar="T",
        help="0 takes the likeliest token, 1 draws from the model's own distribution "
        "(default: the task's own, mostly 0)",
        rich_help_panel=_TEXTS,
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        metavar="P",
        help="Draw from the likeliest tokens that together have probability P.",
        rich_help_panel=_TEXTS,
    ),
]
TopK = Annotated[
    int | None,
    typer.Option(
        "--top-k", metavar="N", help="Draw from the N likeliest tokens.", rich_help_panel=_TEXTS
    ),
]
MinP = Annotated[
    float | None,
    typer.Option(
        "--min-p",
        metavar="P",
        help="Draw from tokens with at least P times the likeliest one's probability.",
        rich_help_panel=_TEXTS,
    ),
]
RepeatPenalty = Annotated[
    float | None,
    typer.Option(
        "--repeat-penalty",
        metavar="X",
        help="Make tokens that were just written less likely, above 1.",
        rich_help_panel=_TEXTS,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        metavar="N",
        help="Most tokens of a text (default: the task's own number)",
        rich_help_panel=_TEXTS,
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option(
        "--allow-code-execution",
        help="Run the programs that the model writes. Without it they are only kept, and the same "
        "command with it goes on from there.",
        metavar="",
        rich_help_panel=_CODE,
    ),
]
Sandbox = Annotated[
    Confinement,
    typer.Option(
        metavar="LEVEL",
        help="strong (Linux: no network, no files, no other processes) or weak, a process with "
        "limits that protects from accidents and not from malice.",
        rich_help_panel=_CODE,
    ),
]
Timeout = Annotated[
    float,
    typer.Option(metavar="S", help="Seconds of CPU time for a program.", rich_help_panel=_CODE),
]
