"""``fastscore run``: score a model on benchmarks."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from fastscore.cli import generation_options as generation
from fastscore.cli import options
from fastscore.cli.arguments import evaluate_arguments
from fastscore.cli.failures import explained
from fastscore.cli.tracing import traced
from fastscore.reporters import say

if TYPE_CHECKING:
    from fastscore.results import Results


def run(
    model: options.Model,
    tasks: options.Tasks,
    limit: options.Limit = None,
    num_fewshot: options.NumFewshot = None,
    fewshot: options.Fewshot = options.Drawing.LM_EVAL,
    seed: options.Seed = 1234,
    apply_chat_template: options.ApplyChatTemplate = False,
    one_turn: options.OneTurn = False,
    system_instruction: options.SystemInstruction = None,
    until: options.Until = None,
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
    output: options.Output = None,
    report: options.Report = None,
    log_prompts: options.LogPrompts = False,
    mlflow: options.Mlflow = None,
    trace: options.Trace = False,
    trace_rate: options.TraceRate = None,
    no_resume: options.NoResume = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
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
    """Score a model on benchmarks.

    Stopped or killed, the same command goes on where it was.

    \b
    Examples:
      fastscore run demo --tasks mini
      fastscore run model.gguf --tasks arc_easy,hellaswag --output results
      fastscore run model.gguf --tasks mmlu --num-fewshot 5 --data DIR
      fastscore run model.gguf --tasks hellaswag --until ci=0.02
      fastscore run model.gguf --tasks my_task.yaml --json > results.json
      fastscore run model.gguf --tasks humaneval --n 20 --k 1,10 --temperature 0.8
    """  # noqa: D301
    given = locals()
    with explained(debug):
        from fastscore.evaluation.evaluate import UnsavedResultsError, evaluate

        if report is not None:
            from fastscore.report import prepare, write_report

            prepare(report)
        tracker = None
        if mlflow is not None:
            from fastscore.integrations.mlflow import MlflowObserver

            tracker = MlflowObserver(mlflow)
        try:
            with traced(trace, trace_rate) as observers:
                results = evaluate(
                    model,
                    tasks,
                    output=output,
                    progress=False if quiet else None,
                    observers=[*observers, *([] if tracker is None else [tracker])],
                    **evaluate_arguments(given),
                )
        except UnsavedResultsError as error:
            _show(error.results, as_json, verbose)
            raise
        _show(results, as_json, verbose)
        if output is not None and not quiet:
            say(f"Results are in {output}.")
        if tracker is not None and tracker.url is not None and not quiet:
            say(f"MLflow has it: {tracker.url}")
        if report is not None:
            write_report(results, report)
            if not quiet:
                say(f"The report is {report}.")


def _show(results: Results, as_json: bool, verbose: bool) -> None:
    if as_json:
        json.dump(results.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print(results.table(verbose=verbose))
