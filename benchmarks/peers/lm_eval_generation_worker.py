"""Runs lm-evaluation-harness's generation tasks with its HF backend in float32, greedily, offline.

Started like ``lm_eval_worker`` (which says why it imports nothing of fastscore) and with a request
of the same shape; it loads the model and reads the rows in the same way. Every sample is written
as soon as it is done, because a long text takes minutes on one core. Beside the text, each sample
has what is needed to judge a difference: the ids of the tokens, and at each of them the runner-up
and how far its logit was from the best one.
"""

from __future__ import annotations

import json
import sys
import time
import types
from pathlib import Path
from typing import Any

import lm_eval
import lm_eval_worker
import torch
import transformers
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager


class _NothingIsRun:
    """Stands in for the metric that would execute the programs, which no comparison reads."""

    def compute(self, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        return {"pass@1": 0.0}, {}


def execute_nothing() -> None:
    """Keep lm-eval's code tasks from loading that metric from the hub when they are read."""
    evaluate = types.ModuleType("evaluate")
    evaluate.load = lambda *_: _NothingIsRun()  # type: ignore[attr-defined]
    sys.modules["evaluate"] = evaluate


class Recorder(HFLM):
    """lm-eval's HF backend, one request at a time, each kept with its tokens."""

    samples: list[dict[str, Any]]
    """Of the task that is running."""
    on_sample: Any
    _tokens: torch.Tensor

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        texts = []
        for request in requests:
            started = time.perf_counter()
            (text,) = super().generate_until([request], disable_tqdm=True)
            texts.append(text)
            context, settings = request.args
            self.samples.append(
                {
                    "doc_id": request.doc_id,
                    "context": context,
                    "settings": settings,
                    "text": text,
                    **self._judged_tokens(),
                    "seconds": round(time.perf_counter() - started, 2),
                }
            )
            self.on_sample()
        return texts

    def _model_generate(self, context: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        self._n_context = context.shape[1]
        self._tokens = super()._model_generate(context, *args, **kwargs)
        return self._tokens

    def _judged_tokens(self) -> dict[str, Any]:
        """Tokens of the last generation, with runner-up and gap of each from one more pass."""
        n_context, tokens = self._n_context, self._tokens
        n = tokens.shape[1] - n_context
        # [n, n_vocab]: the distributions that the n tokens were picked from.
        logits = self.model(input_ids=tokens[:, :-1], logits_to_keep=n).logits[0, -n:]
        best = logits.topk(2, dim=-1)
        ids = tokens[0, n_context:]
        # Where this pass and the step-by-step one disagree the picked token is not the best here.
        runner_up = torch.where(best.indices[:, 0] == ids, best.indices[:, 1], best.indices[:, 0])
        gaps = best.values[:, 0] - best.values[:, 1]
        return {
            "n_prompt_tokens": n_context,
            "ids": ids.tolist(),
            "runner_up": runner_up.tolist(),
            "gaps": [round(gap, 5) for gap in gaps.tolist()],
            "raw_text": self.tok_decode(ids.tolist()),
        }


def run_job(lm: Recorder, manager: TaskManager, job: dict[str, Any]) -> None:
    """One task; its file grows sample by sample and ends with lm-eval's own scores."""
    answer: dict[str, Any] = {
        "key": job["key"],
        "task": job["task"],
        "num_fewshot": job["num_fewshot"],
        "versions": {
            "lm_eval": lm_eval.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
        "n": 0,
        "items": [],
    }
    out = Path(job["out"])
    out.parent.mkdir(parents=True, exist_ok=True)

    def write() -> None:
        answer["n"] = len(answer["items"])
        partial = out.with_suffix(".partial")
        partial.write_text(json.dumps(answer, ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(out)
        print(f"{job['task']}: {answer['n']} of {job['limit']}", flush=True)

    lm.samples = answer["items"]
    lm.on_sample = write
    results = lm_eval.simple_evaluate(
        model=lm,
        tasks=[str(lm_eval_worker.task_file(manager, job))],
        num_fewshot=job["num_fewshot"],
        limit=job["limit"],
        log_samples=True,
        task_manager=manager,
        confirm_run_unsafe_code=True,  # nothing is run: see execute_nothing
    )
    by_doc = {item["doc_id"]: item for item in answer["items"]}
    for sample in results["samples"][job["task"]]:
        item = by_doc[sample["doc_id"]]
        item.setdefault("filtered", {})[sample["filter"]] = sample["filtered_resps"]
        if "exact_match" in sample:
            item.setdefault("exact_match", {})[sample["filter"]] = float(sample["exact_match"])
    answer["items"].sort(key=lambda item: item["doc_id"])
    answer["finished"] = True
    write()


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(request["threads"])
    torch.set_grad_enabled(False)
    execute_nothing()
    lm = lm_eval_worker.load_model(Path(request["gguf"]), Recorder)
    manager = TaskManager()
    for job in request["jobs"]:
        run_job(lm, manager, job)


if __name__ == "__main__":
    main()
