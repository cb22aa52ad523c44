"""``fastscore quantize``: a model file in other types."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastscore.cli import options
from fastscore.cli.failures import explained
from fastscore.reporters import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastscore.model import QuantizedFile

_HEADINGS = ("type", "size", "bits/weight", "seconds", "file")


def quantize(
    model: options.Model,
    types: Annotated[
        list[str],
        typer.Option(
            "--types",
            "-t",
            metavar="A,B,...",
            help="Types as llama-quantize names them: Q8_0, Q6_K, Q4_K_M, Q4_0, BF16, ...; may be "
            "repeated.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write NAME-TYPE.gguf here.",
            show_default=False,
        ),
    ],
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", help="Threads (default: the physical cores)"),
    ] = None,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Replace files that are there; without it those made from this model are kept.",
            metavar="",
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, not a table.", metavar="")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress.", metavar="")
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Write a model in other types, with llama.cpp's own quantiser.

    Best made from an F16, BF16 or F32 file: what a quantised one lost stays lost.

    \b
    Examples:
      fastscore quantize model-F16.gguf --types Q8_0,Q4_K_M,Q4_0 --output out
      fastscore quantize hf://owner/repo/model-BF16.gguf --types Q4_K_M --output .
    """  # noqa: D301
    with explained(debug):
        from fastscore.model.quantise import quantize as write

        try:
            with _shown(not quiet) as progress:
                files = write(
                    model, types, output, n_threads=threads, force=force, progress=progress
                )
        except KeyboardInterrupt as stop:
            stop.args = ("Stopped. Files that are done stay; the same command goes on from there.",)
            raise
        if as_json:
            print(json.dumps([file.to_dict() for file in files], indent=2, ensure_ascii=False))
            return
        print("\n".join(_table(files)))
        for note in dict.fromkeys(note for file in files for note in file.notes):
            print(note)


@contextmanager
def _shown(wanted: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show tensors done: a bar on a terminal, a line for each file elsewhere, or nothing."""
    if not wanted:
        yield None
    elif sys.stderr.isatty():
        with _bar() as progress:
            yield progress
    else:
        begun: set[str] = set()

        def note(kind: str, done: int, total: int) -> None:
            if kind not in begun:
                begun.add(kind)
                say(f"{kind}: {total} tensors")

        yield note


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TextColumn("tensors"), console=Console(stderr=True), transient=True
    ) as bar:
        task = bar.add_task("")
        yield lambda kind, done, total: bar.update(
            task, description=kind, completed=done, total=total
        )


def _table(files: Sequence[QuantizedFile]) -> list[str]:
    rows = [
        _HEADINGS,
        *(
            (
                file.type,
                f"{file.n_bytes / 1e6:,.0f} MB",
                f"{file.bits_per_weight:.2f}",
                "kept" if file.kept else f"{file.seconds:.1f}",
                str(file.path),
            )
            for file in files
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{row[0].ljust(widths[0])}  "
        + "  ".join(cell.rjust(n) for cell, n in zip(row[1:4], widths[1:4], strict=True))
        + f"  {row[4]}"
        for row in rows
    ]
