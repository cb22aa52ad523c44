"""``fastscore compare``: what a model gains or loses against another."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fastscore.cli import generation_options as generation
from fastscore.cli import options
from fastscore.cli.arguments import evaluate_arguments
from fastscore.cli.failures import explained
from fastscore.reporters import say

if TYPE_CHECKING:
    from fastscore.comparison import Comparison

_COMPARISON = "Comparison"


def compare(
    base: Annotated[
        str,
        typer.Argument(
            metavar="BASE",
            help="What the others are held against: a GGUF file, 'demo', "
            "hf://owner/repo/file.gguf, or a directory of results.",
            show_default=False,
        ),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(metavar="CANDIDATE", help="The others, each likewise.", show_default=False),
    ],
    tasks: Annotated[
        list[str] | None,
        typer.Option(
            "--tasks",
            "-t",
            metavar="A,B,...",
            help="Tasks, groups, patterns (mmlu_*) or YAML files; may be repeated. For results "
            "alone all that they share, by default.",
            show_default=False,
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            metavar="D",
            help="A candidate is equivalent when its difference is shown to be smaller than this: "
            "0.01 is one point of accuracy.",
        ),
    ] = 0.01,
    divergence: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|tasks",
            help="Also measure KL divergence and agreement of the models' distributions: on a text "
            "file, or on the tasks' own prompts.",
            rich_help_panel=_COMPARISON,
        ),
    ] = None,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile",
            help="Also measure what each model costs here: speed, memory, energy.",
            metavar="",
            rich_help_panel=_COMPARISON,
        ),
    ] = False,
    limit: options.Limit = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="decided|ci=H",
            help="decided: score the models side by side, items in random order, until each "
            "difference is shown to be one or to be smaller than --margin. ci=H: end each model's "
            "tasks once their scores are known to -+H.",
        ),
    ] = None,
    num_fewshot: options.NumFewshot = None,
    fewshot: options.Fewshot = options.Drawing.LM_EVAL,
    seed: options.Seed = 1234,
    apply_chat_template: options.ApplyChatTemplate = False,
    one_turn: options.OneTurn = False,
    system_instruction: options.SystemInstruction = None,
    n: generation.Samples = None,
    k: generation.K = None,
    temperature: generation.Temperature = None,
    top_p: generation.TopP = None,
    top_k: generation.TopK = None,
    min_p: generation.MinP = None,
    repeat_penalty: generation.RepeatPenalty = None,
    max_tokens: generation.MaxTokens = None,
    allow_code_execution: generation.AllowCode = False,
    sandbox: generation.Sandbox = generation.Confinement.STRONG,
    timeout: generation.Timeout = 3.0,
    data: options.Data = None,
    rows: options.Rows = None,
    fewshot_rows: options.FewshotRows = None,
    offline: options.Offline = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Write comparison.json here, and each model's results into a folder of its name.",
            rich_help_panel="Output",
        ),
    ] = None,
    report: options.Report = None,
    log_prompts: options.LogPrompts = False,
    no_resume: options.NoResume = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="Show every metric and task, and how the right answers' log-likelihoods moved.",
            metavar="",
            rich_help_panel="Output",
        ),
    ] = False,
    n_ctx: options.NCtx = None,
    n_gpu_layers: options.NGpuLayers = -1,
    threads: options.Threads = None,
    batch_size: options.BatchSize = None,
    logits_mb: options.LogitsMb = None,
    tokenizer: options.Tokenizer = None,
    exact: options.Exact = None,
    tune: options.Tune = False,
    weights: options.Weights = options.Precision.NATIVE,
    debug: options.Debug = False,
) -> None:
    """Say what each candidate gains or loses against a base.

    Models are run one after the other and compared item by item, with intervals and tests.

    "No difference found" is told apart from "shown to be smaller than --margin".

    Stopped or killed, the same command goes on where it was.

    A candidate that cannot be scored is left out, and the exit code is 1.

    \b
    Examples:
      fastscore compare model.gguf Q8_0.gguf Q4_K_M.gguf -t arc_easy,hellaswag
      fastscore compare model.gguf Q4_0.gguf -t mmlu --margin 0.02 -o out
      fastscore compare model.gguf Q4_0.gguf -t hellaswag --until decided
      fastscore compare model.gguf Q4_0.gguf -t piqa --divergence wiki.txt
      fastscore compare out/model out/Q8_0 out/Q4_K_M
    """  # noqa: D301
    given = locals()
    with explained(debug):
        from fastscore.comparison.compare import compare as compare_models

        if report is not None:
            from fastscore.report import prepare, write_report

            prepare(report)
        comparison = compare_models(
            base,
            *candidates,
            tasks=tasks,
            margin=margin,
            divergence=divergence,
            profile=profile,
            output=output,
            progress=False if quiet else None,
            **_asked(given),
        )
        _show(comparison, as_json, verbose)
        if output is not None and not quiet:
            say(f"The comparison is in {output}.")
        if report is not None:
            write_report(comparison, report)
            if not quiet:
                say(f"The report is {report}.")
    if comparison.failures:
        raise typer.Exit(1)


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    """Return `evaluate`'s arguments that differ from their defaults: results are not run at all."""
    defaults = {
        name: one.default
        for name, one in inspect.signature(compare).parameters.items()
        if one.default is not inspect.Parameter.empty
    }
    usual = evaluate_arguments(defaults)
    asked = evaluate_arguments(given)
    return {name: value for name, value in asked.items() if value != usual.get(name)}


def _show(comparison: Comparison, as_json: bool, verbose: bool) -> None:
    if as_json:
        json.dump(comparison.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(comparison.table(verbose=verbose))
