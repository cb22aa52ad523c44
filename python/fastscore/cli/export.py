"""``fastscore export``: results that are on disk, in the files of another tool."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fastscore.cli import options
from fastscore.cli.failures import explained
from fastscore.reporters import say

if TYPE_CHECKING:
    from fastscore.results import Results


class Format(str, Enum):
    """Whose files."""

    LM_EVAL = "lm-eval"
    DEEPCHECKS = "deepchecks"
    MLFLOW = "mlflow"


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)
    ],
    form: Annotated[
        Format,
        typer.Option(
            "--format", metavar="lm-eval|deepchecks|mlflow", help="The tool that is to have them."
        ),
    ] = Format.LM_EVAL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write here (default: DIR/<format>)"),
    ] = None,
    table: Annotated[
        bool,
        typer.Option("--csv", help="For deepchecks: a CSV to upload, not JSON lines.", metavar=""),
    ] = False,
    experiment: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="For mlflow: log to this experiment, not the default."),
    ] = None,
    debug: options.Debug = False,
) -> None:
    """Write results in the files of another tool, or log them to its server.

    \b
    lm-eval      <model>/results_<date>.json and samples_<task>_<date>.jsonl,
                 as lm-eval writes them with --output_path and --log_samples
    deepchecks   interactions.jsonl, an object a line as the client of its LLM
                 product sends it; with --csv a file for its upload page
    mlflow       no files: a run on the server at MLFLOW_TRACKING_URI, as
                 fastscore run --mlflow makes it

    \b
    Examples:
      fastscore run model.gguf --tasks arc_easy --log-prompts --output results
      fastscore export results --format lm-eval
    """  # noqa: D301
    with explained(debug):
        from fastscore.errors import UsageError
        from fastscore.results import Results

        if table and form is not Format.DEEPCHECKS:
            raise UsageError(f"--csv is for --format deepchecks, not {form.value}")
        if form is Format.MLFLOW and output is not None:
            raise UsageError(
                "--format mlflow writes no files, so --output has no meaning; MLFLOW_TRACKING_URI "
                "says where to log"
            )
        if experiment is not None and form is not Format.MLFLOW:
            raise UsageError(f"--experiment is for --format mlflow, not {form.value}")
        results = Results.load(directory)
        folder = directory if directory.is_dir() else directory.parent
        destination = output or folder / form.value
        if form is Format.DEEPCHECKS:
            _deepchecks(results, destination, table)
        elif form is Format.MLFLOW:
            _mlflow(results, experiment)
        else:
            _lm_eval(results, destination)


def _lm_eval(results: Results, destination: Path) -> None:
    from fastscore.formats.lm_eval.programs import headless
    from fastscore.formats.lm_eval.writing import lacks_prompts, write_lm_eval

    say(f"The files are beside {write_lm_eval(results, destination)}.")
    if lacks_prompts(results):
        say(
            "The samples hold no prompts, because the run did not keep them: fastscore run "
            "--log-prompts does, and takes all answers from the store."
        )
    if tasks := headless(results):
        say(
            f"In the samples of {' and '.join(tasks)}, filtered_resps are what the model wrote, "
            "not whole programs as lm-eval has them there: how each program begins is in prompts "
            "that are kept, and were not put into a chat template that hides it."
        )


def _deepchecks(results: Results, destination: Path, table: bool) -> None:
    from fastscore.formats.deepchecks.writing import write_csv, write_jsonl

    export = (write_csv if table else write_jsonl)(results, destination)
    say(f"{export.path} holds {export.n:,} interactions.")
    if export.n_formulas:
        say(
            f"A spreadsheet would take {export.n_formulas:,} of its cells for formulas, since they "
            "begin with =, +, -, @ or a tab: upload the file, do not open it in one."
        )


def _mlflow(results: Results, experiment: str | None) -> None:
    from fastscore.integrations.mlflow import log_to_mlflow

    say(f"MLflow has it as run {log_to_mlflow(results, experiment=experiment)}.")
