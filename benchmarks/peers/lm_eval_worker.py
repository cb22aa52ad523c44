"""Runs lm-evaluation-harness's HF backend in float32 on rows from local files, offline.

Not imported by fastscore's benchmarks: ``lm_eval_hf`` starts this file with the interpreter of the
environment that holds torch, transformers and lm-eval, and reads what it writes. It therefore
imports nothing of fastscore, so that the two sides of a comparison share no code.

The only argument is a JSON file::

    {"gguf": "model-f32.gguf", "threads": 2, "jobs": [{
        "task": "arc_easy", "num_fewshot": 0, "limit": 40, "batch_size": 8,
        "data_files": {"test": "eval.jsonl", "train": "pool.jsonl"},
        "config": null, "out": "arc_easy.json", "key": {...}}]}

``config`` is a whole lm-eval task configuration for a task that lm-eval does not know. ``key``
is stored as it stands; the caller compares it to learn whether an output is still the right one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import lm_eval
import torch
import transformers
import yaml
from gguf import GGUFReader
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import pre_tokenizers


def load_tokenizer(gguf: Path) -> Any:
    """The tokenizer that transformers builds from the file, with its known defect repaired.

    transformers forgets that SmolLM2 splits numbers into digits before anything else, so that
    white space before a digit is merged differently than in the released ``tokenizer.json``.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    field = GGUFReader(gguf).fields.get("tokenizer.ggml.pre")
    if field is not None and field.contents() == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return tokenizer


def load_model(gguf: Path, backend: type[HFLM] = HFLM) -> Any:
    """The GGUF file as a float32 transformers model behind lm-eval's own HF ``backend``."""
    model = transformers.AutoModelForCausalLM.from_pretrained(
        str(gguf.parent), gguf_file=gguf.name, dtype=torch.float32
    )
    model.eval()
    return backend(
        pretrained=model,
        tokenizer=load_tokenizer(gguf),
        batch_size=1,
        device="cpu",
        softmax_dtype="float32",
    )


def run_job(lm: HFLM, manager: TaskManager, job: dict[str, Any]) -> dict[str, Any]:
    """One task at one number of shots; returns what the comparison reads."""
    lm.batch_size_per_gpu = job["batch_size"]
    started = time.perf_counter()
    asking = 0.0
    ask = lm.loglikelihood

    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal asking
        begun = time.perf_counter()
        answers = ask(*arguments, **options)
        asking += time.perf_counter() - begun
        return answers

    lm.loglikelihood = timed
    results = lm_eval.simple_evaluate(
        model=lm,
        tasks=[str(task_file(manager, job))],
        num_fewshot=job["num_fewshot"],
        limit=job["limit"],
        log_samples=True,
        task_manager=manager,
    )
    lm.loglikelihood = ask
    items = [item_of(lm, sample) for sample in results["samples"][job["task"]]]
    return {
        "key": job["key"],
        "task": job["task"],
        "num_fewshot": job["num_fewshot"],
        "n": len(items),
        "results": {k: v for k, v in results["results"][job["task"]].items() if k != "alias"},
        "seconds": time.perf_counter() - started,
        "loglikelihood_seconds": asking,
        "versions": {
            "lm_eval": lm_eval.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
        "items": sorted(items, key=lambda item: item["doc_id"]),
    }


def task_file(manager: TaskManager, job: dict[str, Any]) -> Path:
    """A task configuration that is lm-eval's own except for where the rows come from."""
    base = job["config"] or {"include": str(manager.task_index[job["task"]].yaml_path)}
    local = {
        "task": job["task"],
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": job["data_files"]},
    }
    path = Path(os.environ["HF_DATASETS_CACHE"]) / f"{job['task']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({**base, **local}), encoding="utf-8")
    return path


def item_of(lm: HFLM, sample: dict[str, Any]) -> dict[str, Any]:
    contexts = [context for context, _ in sample["arguments"]]
    continuations = [continuation for _, continuation in sample["arguments"]]
    # [n_choices] pairs (log-likelihood, is_greedy); lm-eval wraps each in a list of repeats.
    answers = [response[0] for response in sample["resps"]]
    tokens = [lm._encode_pair(*pair) for pair in zip(contexts, continuations, strict=True)]
    item = {
        "doc_id": sample["doc_id"],
        "contexts": contexts[:1] if len(set(contexts)) == 1 else contexts,
        "continuations": continuations,
        "loglikelihoods": [float(logprob) for logprob, _ in answers],
        "is_greedy": [bool(greedy) for _, greedy in answers],
        "n_context_tokens": [len(context) for context, _ in tokens],
        "n_tokens": [len(continuation) for _, continuation in tokens],
        "target": sample["target"],
    }
    for metric in ("acc", "acc_norm"):
        if metric in sample:
            item[metric] = float(sample[metric])
    return item


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    torch.set_num_threads(request["threads"])
    torch.set_grad_enabled(False)
    lm = load_model(Path(request["gguf"]))
    manager = TaskManager()
    for job in request["jobs"]:
        out = Path(job["out"])
        answer = run_job(lm, manager, job)
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = out.with_suffix(".partial")
        partial.write_text(json.dumps(answer, ensure_ascii=False, indent=1), encoding="utf-8")
        partial.replace(out)
        print(f"{job['task']} {job['num_fewshot']}-shot: {answer['n']} items", flush=True)


if __name__ == "__main__":
    main()
