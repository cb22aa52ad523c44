"""What fastscore makes of the outputs that are compared with lm-eval's judgements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance_cases import DATA
from conformance_rows import splits_of
from open_cases import Output, Verdict

from fastscore.tasks import GenerationTask, Prompting, get_task


def generation_task(name: str) -> GenerationTask:
    task = get_task(name)
    assert isinstance(task, GenerationTask)
    return task


def fastscore_verdicts(name: str, outputs: Iterable[Output]) -> Iterator[Verdict]:
    task = generation_task(name)
    items = task.items(splits_of(name, DATA)[task.source.eval_split], prompting=Prompting(0))
    for output in outputs:
        item = items[output.doc_id]
        extracted = task.extract(output.text)
        if task.executes_code:
            program = task.program(item, extracted)
            yield Verdict(output.doc_id, {}, {}, f"{program.source}\n{program.test}")
        else:
            scores = {name: score.value for name, score in task.judge(item, extracted).items()}
            yield Verdict(output.doc_id, extracted, scores)
