"""``fastscore run``: score a model on benchmarks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastscore.cli import generation_options as generation
from fastscore.cli import options
from fastscore.cli.failures import explained, say

if TYPE_CHECKING:
    from fastscore.results import Results
    from fastscore.settings import ModelOptions


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
    with explained(debug):
        from fastscore.evaluation.evaluate import UnsavedResultsError, evaluate

        if report is not None:
            from fastscore.report import prepare, write_report

            prepare(report)
        engine: ModelOptions = {
            "n_ctx": n_ctx,
            "n_gpu_layers": n_gpu_layers,
            "n_threads": threads,
            "n_batch": batch_size,
            "tokenizer": tokenizer,
            "exact": exact,
            "tune": tune,
        }
        if logits_mb is not None:
            engine["logits_mb"] = logits_mb
        try:
            results = evaluate(
                model,
                tasks,
                num_fewshot=num_fewshot,
                limit=_limit(limit),
                data=data,
                output=output,
                seed=seed,
                apply_chat_template=apply_chat_template,
                fewshot_as_multiturn=not one_turn,
                system_instruction=system_instruction,
                fewshot="shared" if fewshot is options.Drawing.SHARED else "lm-eval",
                progress=False if quiet else None,
                resume=not no_resume,
                log_prompts=log_prompts,
                rows=_assignments("--rows", rows),
                fewshot_rows=_assignments("--fewshot-rows", fewshot_rows),
                offline=offline or None,
                until=until,
                n=n,
                k=k,
                temperature=temperature,
                top_p=top_p,
                top_k=top_k,
                min_p=min_p,
                repeat_penalty=repeat_penalty,
                max_tokens=max_tokens,
                allow_code_execution=allow_code_execution,
                sandbox="weak" if sandbox is generation.Confinement.WEAK else "strong",
                timeout=timeout,
                **engine,
            )
        except UnsavedResultsError as error:
            _show(error.results, as_json, verbose)
            raise
        _show(results, as_json, verbose)
        if output is not None and not quiet:
            say(f"Results are in {output}.")
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


def _limit(given: float | None) -> int | float | None:
    """Read a whole number as what it is: 100 rows, not 100.0."""
    return int(given) if given is not None and given.is_integer() else given


def _assignments(option: str, given: Sequence[str] | None) -> dict[str, str]:
    """Read ``TASK=FILE`` pairs."""
    from fastscore.errors import UsageError

    files: dict[str, str] = {}
    for pair in given or ():
        task, separator, file = pair.partition("=")
        if not separator or not task or not file:
            raise UsageError(f"{option} takes TASK=FILE, such as arc_easy=test.jsonl, not {pair!r}")
        if task in files:
            raise UsageError(f"{option} names {task} twice; one file a task")
        files[task] = file
    return files
