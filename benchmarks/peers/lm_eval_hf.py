"""The oracle: lm-evaluation-harness 0.4.13 with its HF backend in float32, on the same GGUF."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workloads.mini import LM_EVAL_CONFIG
from benchmarks.workloads.rows import PreparedRows, Workload

LM_EVAL_VERSION = "0.4.13"
SCORING = Path(__file__).with_name("lm_eval_worker.py")
GENERATION = Path(__file__).with_name("lm_eval_generation_worker.py")
_LONG_PROMPT_SHOTS = 1
"""From this many shots on prompts are so long that padding costs more than batching saves."""


@dataclass(frozen=True)
class Oracle:
    """lm-eval in an environment of its own, with its answers kept in ``cache``.

    ``worker`` is the program that this environment runs: one for choices, one for texts.
    """

    python: Path | None
    cache: Path
    threads: int
    worker: Path = SCORING

    def answers(
        self, gguf: Path, workloads: Sequence[Workload], rows: Mapping[str, PreparedRows]
    ) -> dict[str, dict[str, Any]]:
        """lm-eval's answers by workload name, computed where the cache has none.

        A cached answer counts when model, rows and shots are the same and it holds at least as
        many items: a prefix of a longer run is what a shorter one would have given.
        """
        model = sha256_of(gguf)
        keys = {
            w.name: {"model": model, "rows": rows[w.name].digest, "num_fewshot": w.num_fewshot}
            for w in workloads
        }
        outputs = {w.name: self.cache / gguf.stem / f"{w.name}.json" for w in workloads}
        missing = [w for w in workloads if _cached(outputs[w.name], keys[w.name], w.limit) is None]
        if missing:
            jobs = [_job(w, rows[w.name], outputs[w.name], keys[w.name]) for w in missing]
            self._run(gguf, jobs)
        answers = {}
        for workload in workloads:
            answer = _cached(outputs[workload.name], keys[workload.name], workload.limit)
            if answer is None:
                raise SystemExit(f"lm-eval left no usable answer in {outputs[workload.name]}")
            version = answer["versions"]["lm_eval"]
            if version != LM_EVAL_VERSION:
                raise SystemExit(f"the oracle has lm-eval {version}; install {LM_EVAL_VERSION}")
            answers[workload.name] = {**answer, "items": answer["items"][: workload.limit]}
        return answers

    def _run(self, gguf: Path, jobs: Sequence[dict[str, Any]]) -> None:
        names = ", ".join(f"{job['task']} {job['num_fewshot']}-shot" for job in jobs)
        if self.python is None:
            raise SystemExit(
                f"not in the cache {self.cache}: {names}. Give --oracle-python, the interpreter of "
                f"an environment with lm-eval {LM_EVAL_VERSION}, torch, transformers and gguf."
            )
        print(f"lm-eval: {names}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as scratch:
            request = Path(scratch) / "request.json"
            request.write_text(
                json.dumps({"gguf": str(gguf.resolve()), "threads": self.threads, "jobs": jobs}),
                encoding="utf-8",
            )
            environment = {
                **os.environ,
                "HF_DATASETS_CACHE": str(Path(scratch) / "datasets"),
                "OMP_NUM_THREADS": str(self.threads),
            }
            command = [str(self.python), str(self.worker), str(request)]
            subprocess.run(command, env=environment, check=True, stdout=sys.stderr)


def sha256_of(path: Path) -> str:
    """The digest of a file's content, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _cached(path: Path, key: Mapping[str, Any], limit: int) -> dict[str, Any] | None:
    if not path.exists():
        return None
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    complete = answer["n"] >= min(limit, answer["key"]["limit"])
    same = all(answer["key"].get(name) == value for name, value in key.items())
    return answer if same and complete and answer["key"]["limit"] >= limit else None


def _job(
    workload: Workload, rows: PreparedRows, out: Path, key: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "task": workload.task,
        "num_fewshot": workload.num_fewshot,
        "limit": workload.limit,
        "batch_size": 1 if workload.num_fewshot >= _LONG_PROMPT_SHOTS else 8,
        "data_files": data_files(workload, rows),
        "config": LM_EVAL_CONFIG.get(workload.task),
        "out": str(out.resolve()),
        "key": {**key, "limit": workload.limit},
    }


def data_files(workload: Workload, rows: PreparedRows) -> dict[str, str]:
    """Where lm-eval finds the rows, by its names of the splits."""
    benchmark = workload.benchmark
    files = {benchmark.eval_split: str(rows.hub_eval)}
    if benchmark.pool_split is not None and rows.hub_pool is not None:
        files[benchmark.pool_split] = str(rows.hub_pool)
    return files
