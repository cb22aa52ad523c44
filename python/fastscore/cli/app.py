"""The commands of ``fastscore`` and the options they have in common.

Only what ``--help`` needs is imported here; each command imports its own work when it runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from fastscore.cli.compare import compare
from fastscore.cli.doctor import doctor
from fastscore.cli.export import export
from fastscore.cli.failures import explained
from fastscore.cli.passk import passk
from fastscore.cli.profile import profile
from fastscore.cli.quantize import quantize
from fastscore.cli.report import report
from fastscore.cli.run import run
from fastscore.cli.tasks import tasks

HELP = """How good is this GGUF model, on this machine?

Scores GGUF language models on multiple-choice benchmarks and on those with
generated answers, with lm-evaluation-harness's numbers.

Try it: [bold]fastscore run demo --tasks mini[/bold]
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # lm-eval writes --num_fewshot; both spellings work.
        "token_normalize_func": lambda name: name.replace("_", "-"),
    },
)
app.command()(run)
app.command()(compare)
app.command()(passk)
app.command()(report)
app.command()(export)
app.command()(quantize)
app.command()(profile)
app.command()(tasks)
app.command()(doctor)


def _print_versions(wanted: bool) -> None:
    if not wanted:
        return
    with explained():
        from fastscore.native import require_core

        require_core()
        from fastscore.model import library

        for name, version in library.versions().items():
            print(f"{name.replace('_', ' ')}: {version}")
    raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_versions,
            is_eager=True,
            help="Print the versions of fastscore and what it runs on.",
            metavar="",
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; ends the process with its exit code."""
    app(prog_name="fastscore")
