"""llama.cpp's own measure of speed: ``llama-bench``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import process


@dataclass(frozen=True)
class LlamaBench:
    """The tool with its defaults, at the sizes given."""

    binary: Path
    threads: int
    prompts: Sequence[int]
    gens: Sequence[int]
    depths: Sequence[int]
    repetitions: int

    def run(self, gguf: Path) -> dict[str, list[float]]:
        """Tokens a second of each repetition, by the name that the tool prints in its table."""
        command = [str(self.binary), "-m", str(gguf), "-t", str(self.threads), "-o", "jsonl"]
        command += ["-p", _list(self.prompts), "-n", _list(self.gens), "-d", _list(self.depths)]
        finished = process.run([*command, "-r", str(self.repetitions)])
        rows = [json.loads(line) for line in finished.output.splitlines() if line.startswith("{")]
        if not rows:
            raise SystemExit(f"{' '.join(command)} measured nothing:\n{finished.output[-2000:]}")
        return {_name(row): row["samples_ts"] for row in rows}


def _name(row: dict[str, int]) -> str:
    test = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
    return f"{test} @ d{row['n_depth']}" if row["n_depth"] else test


def _list(numbers: Sequence[int]) -> str:
    return ",".join(map(str, numbers))
