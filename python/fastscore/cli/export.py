"""``fastscore export``: results that are on disk, in the files of another tool."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from fastscore.cli import options
from fastscore.cli.failures import explained, say


class Format(str, Enum):
    """Whose files."""

    LM_EVAL = "lm-eval"


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)
    ],
    form: Annotated[
        Format,
        typer.Option("--format", metavar="lm-eval", help="The tool that is to read the files."),
    ] = Format.LM_EVAL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write here (default: DIR/<format>)"),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write results in the files of another tool.

    \b
    lm-eval   <model>/results_<date>.json and samples_<task>_<date>.jsonl, as lm-evaluation-harness
              writes them with --output_path and --log_samples

    \b
    Example:
      fastscore run model.gguf --tasks arc_easy --log-prompts --output results
      fastscore export results --format lm-eval
    """  # noqa: D301
    with explained(debug):
        from fastscore.integrations.lm_eval_export import lacks_prompts, write_lm_eval
        from fastscore.results import Results

        results = Results.load(directory)
        folder = directory if directory.is_dir() else directory.parent
        say(f"The files are beside {write_lm_eval(results, output or folder / form.value)}.")
        if lacks_prompts(results):
            say(
                "The samples hold no prompts, because the run did not keep them: fastscore run "
                "--log-prompts does, and takes all answers from the store."
            )
