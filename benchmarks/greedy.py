"""Compare greedily generated texts with two other decoders', text by text.

With quantised weights (both PyPI models): 50 prompts, all at once in fastscore, one at a time in
llama-cpp-python. With float32 weights: the prompts that lm-evaluation-harness makes of TriviaQA,
GSM8K, MBPP and HumanEval rows, and the texts that its HF backend writes in float32. A text may
part from the other one where that one's two best logits differ by less than 0.05; every such place
is printed.

Quantised weights have activations rounded to 8 bits, so that the last bit of a sum grows to tenths
of a logit, and on a CPU llama.cpp sums in another order from a few tokens a batch on. Where texts
part at a larger gap, llama-cpp-python therefore decodes the same tokens again in batches of other
sizes: if its own two best come within 0.05 in one of them, or change places, then the difference is
llama.cpp's with itself. Both counts are figures.

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


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    facts = provenance()
    print_header("Greedy texts: fastscore against one-at-a-time decoders", facts)
    data = data_directory(options.data)
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    if LLAMA in options.against:
        prompts = fifty_prompts(data)
        for name in options.models:
            gguf = models.locate(name, options.scratch)
            with closing(_greedy_loop(gguf, prompts, options.threads)) as loop:
                references = [loop.write(prompt) for prompt in prompts]
                _compare(
                    f"{name}, {LLAMA}", gguf, prompts, references, options, figures, details, loop
                )
    if HF in options.against:
        gguf = models.locate_f32(options.f32_model, options.scratch)
        rows = {w.name: prepare(w, data, options.scratch / "rows") for w in LM_EVAL}
        cache = options.oracle_cache or options.scratch / "oracle"
        oracle = Oracle(options.oracle_python, cache, options.threads, GENERATION)
        for name, answer in oracle.answers(gguf, LM_EVAL, rows).items():
            prompts, references = _lm_eval_texts(gguf, name, answer["items"])
            _compare(f"{HF}, {name}", gguf, prompts, references, options, figures, details)
    return conclude(figures, facts, details, options.report)


def _greedy_loop(gguf: Path, prompts: list[Prompt], threads: int) -> GreedyLoop:
    """A loop whose context holds the longest of the prompts and its text."""
    with closing(GreedyLoop(gguf, threads, 256)) as sizing:
        longest = sizing.longest(prompts)
    return GreedyLoop(gguf, threads, window(longest))


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


def _compare(
    title: str,
    gguf: Path,
    prompts: Sequence[Prompt],
    references: Sequence[Reference],
    options: argparse.Namespace,
    figures: list[Figure],
    details: dict[str, Any],
    loop: GreedyLoop | None = None,
) -> None:
    """Generate, judge and print one set of texts; ``loop`` is asked where texts differ."""
    with Model(gguf, n_threads=options.threads) as model:
        ours = generate(model, prompts, options.parallel)
    verdicts = [
        judge(reference, our.text, our.finish_reason, prompt.stop)
        for prompt, reference, our in zip(prompts, references, ours, strict=True)
    ]
    counts = Counter(verdict.kind for verdict in verdicts)
    empty = sum(not reference.text for reference in references)
    tokens = sum(len(reference.gaps) for reference in references)
    print(
        f"\n  {title}: {len(prompts)} texts ({empty} empty), {tokens} tokens: "
        f"{counts['equal']} equal, {counts['excused']} part at a gap below {TIE}, "
        f"{counts['different']} elsewhere"
    )
    unexplained = 0
    for prompt, reference, verdict in zip(prompts, references, verdicts, strict=True):
        if verdict.kind == "equal":
            continue
        gap = "none" if verdict.gap is None else f"{verdict.gap:.4f}"
        line = f"    {verdict.kind}: {prompt.name}, token {verdict.token}, gap {gap}"
        if verdict.kind == "different" and loop is not None and verdict.gap is not None:
            assert verdict.token is not None
            gaps = loop.gaps_in_other_batches(prompt, reference.ids[: verdict.token + 1])
            unexplained += min(gaps) >= TIE
            line += f"; in its other batches {min(gaps):.4f} to {max(gaps):.4f}"
        print(line, flush=True)
    figures.append(Figure(f"{title}, texts that part at no tie", counts["different"], "at most", 0))
    if loop is not None:
        name = f"{title}, texts that part where it never does itself"
        figures.append(Figure(name, unexplained, "at most", 0))
    details[title] = {
        "counts": dict(counts),
        "n_empty": empty,
        "n_tokens": tokens,
        "verdicts": {p.name: asdict(v) for p, v in zip(prompts, verdicts, strict=True)},
        # How often a tie could have excused anything at all.
        "n_gaps_below_tie": sum(gap < TIE for r in references for gap in r.gaps),
    }


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
