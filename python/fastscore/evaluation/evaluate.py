"""Score a model on benchmarks, from names of tasks to results."""

from __future__ import annotations

import inspect
import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastscore.errors import ResultsError
from fastscore.evaluation.executing import Executor
from fastscore.evaluation.observers import asked_for
from fastscore.evaluation.preparation import RowFinder, prepare
from fastscore.evaluation.replacing import replacement_warning
from fastscore.evaluation.request import (
    TaskLike,
    chat_template,
    check_exists,
    check_room,
    listed,
    open_model,
    plan_generation,
    prompt_notices,
    promptings,
)
from fastscore.evaluation.runner import Run
from fastscore.evaluation.until import Rule, check_scores, read_rule
from fastscore.generation_settings import GenerationSettings, SandboxLevel, read_numbers
from fastscore.observing import ObservedReporter, Observer, Observers, checked_observers
from fastscore.progress import Progress
from fastscore.reporters import Reporter, make_reporter
from fastscore.results import Results
from fastscore.results.files import prepare_directory
from fastscore.results.lock import held
from fastscore.results.rows import by_text
from fastscore.settings import (
    Fewshot,
    ModelOptions,
    RowsOf,
    RunSettings,
    check_model_options,
    describe_rows,
)
from fastscore.tasks import AnyTask, GenerationTask, expand, plan_shots

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fastscore.model import Model


class UnsavedResultsError(ResultsError):
    """The run is done, but its results could not be written; they are in ``results``."""

    def __init__(self, message: str, results: Results) -> None:
        super().__init__(message)
        self.results = results


def evaluate(
    model: Model | str | os.PathLike[str],
    tasks: TaskLike | Iterable[TaskLike],
    num_fewshot: int | None = None,
    limit: int | float | None = None,
    data: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    seed: int = 1234,
    apply_chat_template: bool = False,
    progress: bool | Callable[[Progress], object] | None = None,
    resume: bool = True,
    log_prompts: bool = False,
    rows: RowsOf | None = None,
    fewshot_rows: RowsOf | None = None,
    *,
    fewshot_as_multiturn: bool = True,
    system_instruction: str | None = None,
    fewshot: Fewshot = "lm-eval",
    offline: bool | None = None,
    until: str | Rule | None = None,
    n: int | None = None,
    k: int | Sequence[int] | str | None = None,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repeat_penalty: float | None = None,
    max_tokens: int | None = None,
    allow_code_execution: bool = False,
    sandbox: SandboxLevel = "strong",
    timeout: float = 3.0,
    observers: Iterable[Observer] = (),
    mlflow: bool | str | None = False,
    tracing: bool | float | None = False,
    **model_options: Unpack[ModelOptions],
) -> Results:
    """Score a model on benchmarks: lm-evaluation-harness's numbers for a GGUF file.

    Example:
        >>> results = evaluate("model.gguf", "arc_easy,hellaswag", limit=100)  # doctest: +SKIP
        >>> results["arc_easy"].metrics["acc_norm"].ci95  # doctest: +SKIP

    Args:
        model: A `Model`, which stays open; or a path, ``"demo"`` or ``"hf://owner/repo/x.gguf"``.
        tasks: Names (several may stand in one text, with commas between), patterns such as
            ``"mmlu_*"``, YAML files, or `Task` objects.
        num_fewshot: Solved examples before each question; None for each task's own number.
        limit: Score only the first so many rows of each task (of each subject for MMLU), or below
            1 that fraction of them, rounded up.
        data: Directory that holds benchmark files; None for ``FASTSCORE_DATA``, else the hub.
        output: Directory for ``results.json`` and the samples; None writes no files.
        seed: Of the draw of few-shot examples, and of the random numbers of sampling.
        apply_chat_template: Put prompts into the chat template of the model file.
        fewshot_as_multiturn: Under a chat template, make each example a turn of its own.
        system_instruction: Text ahead of each task's description.
        fewshot: ``"lm-eval"`` draws examples anew for each item; ``"shared"`` draws one set a
            task, which costs less and gives other numbers than lm-eval's.
        progress: None shows a bar on a terminal and lines elsewhere, False nothing; a function is
            called with each `Progress`.
        resume: Take results of earlier runs of the same model, settings and token ids from the
            store; False scores everything anew.
        log_prompts: Keep each item's texts with its sample.
        rows: Rows in place of a task's own, by task or group: a file, or a list of rows in the
            layout of the task's hub dataset.
        fewshot_rows: The same for the rows that examples are drawn from.
        offline: Never use the network; None does as ``HF_HUB_OFFLINE`` says.
        until: ``"ci=0.02"`` draws items in a random order that ``seed`` decides and ends each task
            or group asked for as soon as the 95 % interval of its primary metric (``acc_norm``, or
            the only one) is the value -+ 0.02 or narrower, at any look (a confidence sequence); it
            holds for the value of all items. A group ends as a whole, and so its tasks may be left
            with few items. None scores all items.
        n: Texts to generate for each problem; None for 1. More than one needs a temperature.
        k: Numbers to estimate pass@k for where code is executed, each at most ``n``; None for 1.
        temperature: Of the distribution that tokens are drawn from, 0 for the likeliest; None for
            the task's own, which is 0 as in lm-eval.
        top_k: Draw from the so many likeliest tokens only; 0 is off.
        top_p: Draw from the likeliest tokens that together have this probability; 1 is off.
        min_p: Draw from tokens with at least this share of the likeliest's probability; 0 is off.
        repeat_penalty: Divide the logits of the last tokens by this much; 1 is off.
        max_tokens: Most tokens of a generated text; None for the task's own.
        allow_code_execution: Run the programs that the model writes, in a sandbox. Without it
            their texts are generated and saved, and the scores are undefined; the same call with
            it takes the texts from the store.
        sandbox: ``"strong"`` (Linux: no network, no files, no other processes), or ``"weak"``, a
            process with limited resources, which protects from accidents and not from malice.
        timeout: CPU time of one program in seconds.
        observers: What is told about the run while it goes on.
        mlflow: Log the run to MLflow's tracking server, under the active experiment or the one
            named; see `fastscore.integrations.mlflow`.
        tracing: Make OpenTelemetry spans of run, tasks and some items, or of this share of the
            items; see `fastscore.integrations.opentelemetry`.
        **model_options: Passed to `Model` when ``model`` is not one: ``n_ctx``, ``n_threads``, ...

    Raises:
        UsageError: the request cannot be met; nothing was loaded.
        MissingToolError: ``mlflow`` or ``tracing`` asks for a tool that is not installed.
        DataError, DownloadError: rows are missing or wrong; nothing was decoded.
        ModelError, MemoryLimitError: the model cannot be loaded or run here.
        ResultsError: ``output`` cannot be written to, or another run is doing so; nothing was
            decoded.
        SandboxError: programs are to be run, and this level of confinement is not to be had here;
            nothing was generated.
        UnsavedResultsError: ``output`` could not be written at the end; it holds the results.
        KeyboardInterrupt: Ctrl-C; what was scored is in the store, and its message says so.

    """
    started = time.perf_counter()
    date = datetime.now().astimezone().isoformat(timespec="seconds")
    check_model_options(model_options, _own_options())
    rule = read_rule(until)
    wanted = listed(tasks)
    generation = GenerationSettings(
        n=n,
        k=read_numbers(k, "k"),
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repeat_penalty=repeat_penalty,
        max_tokens=max_tokens,
        allow_code_execution=allow_code_execution,
        sandbox=sandbox,
        timeout=timeout,
    )
    settings = RunSettings(
        tasks=tuple(str(one) if isinstance(one, (str, Path)) else one.name for one in wanted),
        num_fewshot=num_fewshot,
        limit=limit,
        seed=seed,
        fewshot=fewshot,
        apply_chat_template=apply_chat_template,
        fewshot_as_multiturn=fewshot_as_multiturn,
        system_instruction=system_instruction,
        data=None if data is None else str(data),
        rows=describe_rows(rows),
        fewshot_rows=describe_rows(fewshot_rows),
        log_prompts=log_prompts,
        until=None if rule is None else rule.text,
        generation=generation,
    )
    selection = expand(wanted)
    plans = plan_generation(selection.tasks, generation, seed)
    if rule is not None:
        check_scores(selection.tasks, generation)
    finder = RowFinder(
        selection, None if data is None else Path(data), offline, rows or {}, fewshot_rows or {}
    )
    with ExitStack() as stack:
        reporter = ObservedReporter(make_reporter(progress))
        stack.callback(reporter.close)
        told = Observers(
            [*checked_observers(observers), *asked_for(mlflow, tracing)], reporter.warn
        )
        reporter.watch(told)
        shots = plan_shots(selection.tasks, num_fewshot)
        for notice in shots.notices:
            reporter.note(notice)
        if output is not None:
            prepare_directory(Path(output))
            stack.enter_context(held(Path(output)))
        # What is quickly known to be wrong first, what takes long last: a mistyped model should not
        # cost a download of rows, nor missing rows the loading of a model.
        check_exists(model)
        executor = _open_executor(selection.tasks, generation, reporter, stack)
        prepared_for = partial(prepare, finder, limit=limit, executes=executor is not None)
        prepared = None
        if not apply_chat_template:
            prepared = prepared_for(promptings(settings, shots.shots, None))
        if model_options.get("weights") == "fast":
            reporter.note("The quickest weights are chosen, by measurement the first time.")
        engine = open_model(model, model_options, stack)
        check_room(selection.tasks, plans, engine.settings.max_length)
        if output is not None and (rule is None or rule.look == 0):
            names = [task.name for task in selection.tasks]
            if warning := replacement_warning(Path(output), engine.fingerprint, names):
                reporter.warn(warning)
        if prepared is None:
            how = promptings(settings, shots.shots, chat_template(engine))
            for warning in by_text(prompt_notices(selection.tasks, how)):
                reporter.warn(warning)
            prepared = prepared_for(how)
        run = Run(
            engine,
            prepared,
            reporter,
            output=output,
            resume=resume,
            plans=plans,
            executor=executor,
            rule=rule,
            observers=told,
        )
        with run:
            results = run.carry_out(selection, settings, started, date)
        saved = None
        try:
            try:
                if output is not None:
                    _save(results, Path(output))
                    saved = Path(output)
            finally:
                told.run_ended(results)
        except KeyboardInterrupt as stop:
            stop.args = (run.ended_message(saved),)
            raise
    return results


def _own_options() -> list[str]:
    """The names of `evaluate`'s options beside those of a model."""
    parameters = inspect.signature(evaluate).parameters.values()
    return [one.name for one in parameters if one.default is not inspect.Parameter.empty]


def _save(results: Results, directory: Path) -> None:
    try:
        results.save(directory)
    except ResultsError as error:
        raise UnsavedResultsError(str(error), results) from error


def _open_executor(
    tasks: Sequence[AnyTask], settings: GenerationSettings, reporter: Reporter, stack: ExitStack
) -> Executor | None:
    """Open the sandbox where programs are to be run; say what becomes of programs."""
    names = [t.name for t in tasks if isinstance(t, GenerationTask) and t.executes_code]
    if not names:
        return None
    if not settings.allow_code_execution:
        reporter.warn(
            f"{', '.join(names)}: the model writes programs, which are judged by running them. "
            "That needs --allow-code-execution (allow_code_execution=True); this run only "
            "generates and keeps them."
        )
        return None
    executor = stack.enter_context(Executor(settings.sandbox, timeout=settings.timeout))
    reporter.note(f"Programs run in the {settings.sandbox} sandbox: {executor.description}.")
    return executor
