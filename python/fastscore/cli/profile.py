"""``fastscore profile``: what a model costs on this machine."""

from __future__ import annotations

import json
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from fastscore.cli import options
from fastscore.cli.failures import explained
from fastscore.reporters import say

_TESTS = "Tests"
_ENGINE = "Engine"
_OUTPUT = "Output"


class FlashAttention(str, Enum):
    """Whether attention is computed by flash kernels."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


def profile(
    model: options.Model,
    n_prompt: Annotated[
        str | None,
        typer.Option(
            "--n-prompt",
            "-p",
            metavar="N,...",
            help="Tokens to read (pp); 0 for no such test (default: 512)",
            rich_help_panel=_TESTS,
        ),
    ] = None,
    n_gen: Annotated[
        str | None,
        typer.Option(
            "--n-gen",
            "-n",
            metavar="N,...",
            help="Tokens to write (tg); 0 for no such test (default: 128)",
            rich_help_panel=_TESTS,
        ),
    ] = None,
    n_depth: Annotated[
        str | None,
        typer.Option(
            "--n-depth",
            "-d",
            metavar="N,...",
            help="Tokens in the KV cache beforehand (default: 0, and 1024 as time allows)",
            rich_help_panel=_TESTS,
        ),
    ] = None,
    batch_size: Annotated[
        str,
        typer.Option(
            "--batch-size",
            "-b",
            metavar="N,...",
            help="Tokens of a llama_decode.",
            rich_help_panel=_TESTS,
        ),
    ] = "2048",
    ubatch_size: Annotated[
        str,
        typer.Option(
            "--ubatch-size",
            "-ub",
            metavar="N,...",
            help="Tokens through the model at a time.",
            rich_help_panel=_TESTS,
        ),
    ] = "512",
    parallel: Annotated[
        str | None,
        typer.Option(
            "--parallel",
            "-npl",
            metavar="N,...",
            help="Texts written side by side (default: 1, and 4 as time allows)",
            rich_help_panel=_TESTS,
        ),
    ] = None,
    repetitions: Annotated[
        int | None,
        typer.Option(
            "--repetitions",
            "-r",
            metavar="N",
            help="Of each test (default: 5, fewer where time is short)",
            rich_help_panel=_TESTS,
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="A short look: pp128 and tg32, three times.",
            metavar="",
            rich_help_panel=_TESTS,
        ),
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(
            metavar="N",
            help="What the tests may take, as far as they were not asked for; 0 for no limit.",
            rich_help_panel=_TESTS,
        ),
    ] = 60.0,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads",
            "-t",
            metavar="N",
            help="Threads of a decode (default: the physical cores)",
            rich_help_panel=_ENGINE,
        ),
    ] = None,
    n_gpu_layers: Annotated[
        int,
        typer.Option(
            "--n-gpu-layers",
            "-ngl",
            metavar="N",
            help="Layers on the GPU, -1 for all; needs a GPU build of llama-cpp-python.",
            rich_help_panel=_ENGINE,
        ),
    ] = -1,
    flash_attention: Annotated[
        FlashAttention,
        typer.Option(
            "--flash-attn", "-fa", help="Flash kernels for attention.", rich_help_panel=_ENGINE
        ),
    ] = FlashAttention.AUTO,
    weights: options.Weights = options.Precision.NATIVE,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.json",
            help="Write the profile here as well.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the profile as JSON, not as a table.",
            metavar="",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Print the profile only.",
            metavar="",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
    debug: options.Debug = False,
) -> None:
    """Measure what a model costs on this machine: time, memory, energy.

    Tests, names and defaults are those of llama.cpp's llama-bench: pp512 reads
    a prompt of 512 tokens, tg128 writes 128, "@ d4096" with so many in the
    cache already. All is measured in a fresh process; nothing else should run
    meanwhile.

    \b
    Examples:
      fastscore profile demo
      fastscore profile model.gguf -p 512 -n 128 -d 0,4096 -r 5
      fastscore profile model.gguf --parallel 1,4,16 --threads 8
      fastscore profile model.gguf --json > profile.json
    """  # noqa: D301
    with explained(debug):
        if output is not None:
            from fastscore.profiling.document import prepare

            prepare(output)
        from fastscore.profiling.measure import profile as measure

        measured = measure(
            model,
            n_prompt=_numbers("--n-prompt", n_prompt),
            n_gen=_numbers("--n-gen", n_gen),
            n_depth=_numbers("--n-depth", n_depth),
            n_batch=_numbers("--batch-size", batch_size) or (),
            n_ubatch=_numbers("--ubatch-size", ubatch_size) or (),
            n_parallel=_numbers("--parallel", parallel),
            repetitions=repetitions,
            n_threads=threads,
            n_gpu_layers=n_gpu_layers,
            flash_attention=flash_attention.value,
            weights=weights.value,
            quick=quick,
            seconds=seconds or None,
            progress=False if quiet else None,
        )
        if as_json:
            json.dump(measured.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
            print()
        else:
            print(measured.table())
        if output is not None:
            measured.save(output)
            if not quiet:
                say(f"The profile is in {output}.")


def _numbers(option: str, given: str | None) -> list[int] | None:
    """Read ``512,1024``."""
    from fastscore.errors import UsageError

    if given is None:
        return None
    try:
        return [int(number) for number in given.split(",")]
    except ValueError:
        raise UsageError(f"{option} takes numbers such as 512 or 128,512, not {given!r}") from None
