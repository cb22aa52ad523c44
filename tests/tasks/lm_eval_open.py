"""lm-evaluation-harness's own generation requests and judgements; needs lm-eval and transformers.

``python tests/tasks/lm_eval_open.py`` writes ``golden_open.json`` beside this file: a digest of
the requests of each case, and of the judgements of each set of outputs. It reads the data in
FASTSCORE_DATA and imports nothing of fastscore; with lm-eval 0.4.13 it takes some two minutes.
With ``--verdicts FILE`` it writes the judgements themselves there, as JSON lines, and no digests;
`benchmarks.judging` compares them.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conformance_cases import DATA, Case
from open_cases import GOLDEN, OUTPUTS, OpenRequest, Output, Verdict, cases, digest


class _NothingIsRun:
    """Stands in for the metric that would execute programs; only their texts are compared."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        return {"pass@1": 0.0}, {}


# lm-eval's code tasks load that metric from the hub when they are imported.
_evaluate = types.ModuleType("evaluate")
_evaluate.load = lambda *_: _NothingIsRun()  # type: ignore[attr-defined]
sys.modules["evaluate"] = _evaluate

import lm_eval_requests  # noqa: E402
from lm_eval.api.instance import Instance  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402

DEFAULT_MAX_TOKENS = 256
"""``HFLM.max_gen_toks``, which a task that names no number leaves in force."""


def harness_requests(case: Case) -> list[OpenRequest]:
    """What lm-eval asks a model for, item by item."""
    task = lm_eval_requests.built(case)
    return [
        OpenRequest(
            instance.doc_id,
            instance.args[0],
            instance.args[1]["until"],
            instance.args[1].get("max_gen_toks", DEFAULT_MAX_TOKENS),
            task.doc_to_target(instance.doc),
        )
        for instance in task.instances
    ]


def harness_verdicts(name: str, outputs: Iterable[Output]) -> Iterator[Verdict]:
    """What lm-eval makes of outputs of the task ``name``, in order."""
    task = lm_eval_requests.loaded(Case(name))
    docs = list(task.eval_docs)
    task._instances = [_instance(docs[output.doc_id], output) for output in outputs]
    task.apply_filters()
    for instance in task._instances:
        yield _verdict(task, instance)


def _instance(doc: dict[str, Any], output: Output) -> Instance:
    instance = Instance("generate_until", doc, ("", {}), 0, (None, output.doc_id, 1))
    instance.resps = [output.text]
    return instance


def _verdict(task: ConfigurableTask, instance: Instance) -> Verdict:
    answers = instance.filtered_resps
    if task.config.unsafe_code:
        (answer,) = answers.values()
        # As Hugging Face's code_eval puts a candidate and a test case together.
        (candidate,) = [answer] if isinstance(answer, str) else answer
        program = f"{candidate}\n{task.doc_to_target(instance.doc)}"
        return Verdict(instance.doc_id, {}, {}, program)
    scores = {}
    for name, answer in answers.items():
        column = "exact_match" if len(answers) == 1 else f"exact_match,{name}"
        scores[column] = float(task.process_results(instance.doc, [answer])["exact_match"])
    return Verdict(instance.doc_id, dict(answers), scores)


def write_digests() -> None:
    """Write the digests of all cases and of all sets of outputs."""
    requests = {}
    for case in cases():
        requests[case.id] = digest(harness_requests(case))
        print(case.id, requests[case.id], flush=True)
    verdicts = {}
    for name, outputs in OUTPUTS.items():
        judged = list(harness_verdicts(name.partition("/")[0], outputs(DATA)))
        columns = judged[0].scores
        right = {column: sum(one.scores[column] for one in judged) for column in columns}
        verdicts[name] = {"n": len(judged), "right": right, "digest": digest(judged)}
        print(name, verdicts[name], flush=True)
    document = {"made_with": versions(), "requests": requests, "verdicts": verdicts}
    GOLDEN.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def write_verdicts(path: Path) -> None:
    """Write every judgement, with the name of its set in front, after a line of versions."""
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(versions()) + "\n")
        for name, outputs in OUTPUTS.items():
            for verdict in harness_verdicts(name.partition("/")[0], outputs(DATA)):
                file.write(json.dumps([name, *astuple(verdict)]) + "\n")


def versions() -> dict[str, str]:
    """What made the comparison's other side."""
    return {name: version(name) for name in ("lm_eval", "transformers", "datasets")}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--verdicts", type=Path)
    path = parser.parse_args().verdicts
    if path is None:
        write_digests()
    else:
        write_verdicts(path)


if __name__ == "__main__":
    main()
