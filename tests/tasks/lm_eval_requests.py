"""lm-evaluation-harness's own requests, for comparison; needs lm-eval and transformers.

``python tests/tasks/lm_eval_requests.py`` writes ``golden_requests.json`` beside this file: a
digest of the requests of each case. It reads the data in FASTSCORE_DATA and imports nothing of
fastscore; with lm-eval 0.4.13 on two cores it takes some ten minutes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from importlib.metadata import version
from itertools import groupby
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from conformance_cases import BOS, DATA, EOS, GOLDEN, TEMPLATES, Case, Request, cases, digest
from conformance_rows import Rows, mmlu_subjects, splits_of
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval_mini import CONFIGS, kind_of
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

import datasets

SEED = 1234


def harness_requests(case: Case) -> list[Request]:
    """What lm-eval asks a model for, item by item."""
    if not case.task.startswith("mini"):
        return [request for request, _ in _requests(loaded(case), case)]
    by_kind = {kind: _requests(_mini_task(case, kind), case) for kind in CONFIGS}
    return [
        by_kind[kind_of(doc)][position][0]
        for position, (_, doc) in enumerate(by_kind["one prompt"])
    ]


def built(case: Case) -> ConfigurableTask:
    """A task of lm-eval with its requests."""
    return _build(loaded(case), case)


def _build(task: ConfigurableTask, case: Case) -> ConfigurableTask:
    # As in lm_eval.evaluator.simple_evaluate; a task with 0 shots in its YAML keeps them.
    if task.get_config("num_fewshot") != 0:
        task.set_config("num_fewshot", case.shots)
    task.set_fewshot_seed(SEED)
    task.build_all_requests(
        limit=case.limit,
        system_instruction=case.system,
        apply_chat_template=case.chat is not None,
        fewshot_as_multiturn=case.chat is not None and case.multiturn,
        chat_template=_chat_template(TEMPLATES[case.chat]) if case.chat else None,
    )
    return task


def _requests(task: ConfigurableTask, case: Case) -> list[tuple[Request, dict[str, Any]]]:
    """Each item's requests, and the row they are of."""
    _build(task, case)
    return [
        (
            Request(
                doc_id,
                [instance.args[0] for instance in group],
                [instance.args[1] for instance in group],
                _gold(task, group[0].doc),
            ),
            group[0].doc,
        )
        for doc_id, instances in groupby(task.instances, key=lambda instance: instance.doc_id)
        for group in [list(instances)]
    ]


def loaded(case: Case) -> ConfigurableTask:
    """A task of lm-eval with its rows."""
    name = case.harness_task or case.task
    with _rows_of(case):
        task: ConfigurableTask = _manager().load(name)["tasks"][name]
    return task


def _mini_task(case: Case, kind: str) -> ConfigurableTask:
    with _rows_of(case):
        return ConfigurableTask(config={"task": case.task, **CONFIGS[kind]})


def _rows_of(case: Case) -> AbstractContextManager[Any]:
    """Let lm-eval find a task's rows here instead of on the hub."""
    rows = splits_of(case.task, DATA)

    def load_dataset(*_: Any, **__: Any) -> dict[str, datasets.Dataset]:
        return {split: _dataset(rows[split]) for split in rows}

    return patch("datasets.load_dataset", load_dataset)


def _dataset(rows: Rows) -> datasets.Dataset:
    """All columns of all rows; from_list alone takes those of the first."""
    columns = dict.fromkeys(column for row in rows for column in row)
    return datasets.Dataset.from_list([{c: row.get(c) for c in columns} for row in rows])


@cache
def _manager() -> TaskManager:
    return TaskManager()


def _gold(task: ConfigurableTask, doc: dict[str, Any]) -> list[int]:
    if task.config.task == "truthfulqa_mc2":
        labels = doc["mc2_targets"]["labels"]
        return [index for index, label in enumerate(labels) if label == 1]
    return [task.doc_to_text(doc) if task.multiple_input else task.doc_to_target(doc)]


def _chat_template(source: str) -> Callable[..., str]:
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({BOS: 0, EOS: 1}, unk_token=EOS)),
        bos_token=BOS,
        eos_token=EOS,
    )
    tokenizer.chat_template = source
    model = SimpleNamespace(tokenizer=tokenizer, chat_template_args={})
    return lambda messages, add_generation_prompt=True: HFLM.apply_chat_template(
        model, messages, add_generation_prompt
    )


def main() -> None:
    """Write the digests of all cases."""
    golden = {}
    for case in cases(mmlu_subjects(DATA)):
        golden[case.id] = digest(harness_requests(case))
        print(case.id, golden[case.id], flush=True)
    made_with = {name: version(name) for name in ("lm_eval", "transformers", "datasets")}
    text = json.dumps({"made_with": made_with, "digests": golden}, indent=1)
    GOLDEN.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
