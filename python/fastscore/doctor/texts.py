"""Texts to try a tokenizer on: real ones, and those that broken conversions stumble over."""

# ruff: noqa: RUF001 (characters that look like others are the point)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fastscore.errors import DataError, DownloadError, UsageError
from fastscore.tasks import GenerationTask, Prompting, get_task, task_names

# Of each task this many rows; tokenizers that differ do so within a few hundred texts.
_ROWS = 100
_MMLU_ROWS = 20

TRICKY = (
    "0 12 123 1234 12345 123456 1,234.56 1e-9 0x1F 3.14159 2024-02-29",
    "the years 1999-2001, 10:45, 50%, $3.50, #42, No. 7",
    "def f(x):\n    if x > 10:\n        return x ** 2  # 100\n\treturn None\n",
    'for (int i = 0; i < 16; ++i) {\n  a[i] += "x\\n";\n}\n\n\n',
    '{\n  "key": [1, 2.5, null],\n\t\t"other": {}\n}',
    "    four spaces in front\n  two\n one",
    " one space in front",
    "one space behind ",
    "two  spaces   three    four     five",
    "\ttab\t\ttwo tabs\n\nempty line\r\nWindows line\n",
    "\n",
    " ",
    "don't I'll we've you're she'd it's I'M DON'T",
    "camelCaseWord snake_case_word kebab-case-word SHOUTING",
    "naïve café Ångström Straße œuvre ﬁ ½ № ™",
    "e\u0301 (two code points) and \u00e9 (one)",
    "“quotes” ‘single’ – dash — dash … «guillemets»",
    "東京は日本の首都です。中文没有空格。한국어 문장입니다.",
    "Привет, мир! Γειά σου Κόσμε! שלום עולם مرحبا بالعالم नमस्ते",
    "\U0001f600 \U0001f469\u200d\U0001f680 \U0001f1eb\U0001f1f7 \U0001f44d\U0001f3fd",
    "no\u00a0break\u2009thin\u3000wide\u200bzero\ufeff",
    "∀x∈ℝ: x² ≥ 0, ∑ᵢ αᵢ ≠ ∞",
    "http://example.org/a?b=c&d=%20#e user@example.org C:\\path\\file",
    "<s></s><|endoftext|><|im_start|>user<|im_end|><bos><eos>[INST] [/INST]<unk>",
    "a<s>b </s> c<|im_end|>d",
    "",
)


def sample_texts() -> list[str]:
    """All texts of the packaged sample set."""
    return list(dict.fromkeys(_texts_of("mini", None, 10_000)))


def benchmark_texts(data: Path) -> tuple[list[str], list[str]]:
    """Texts of the benchmarks found below ``data``, and their names.

    Raises UsageError when ``data`` is no directory.
    """
    if not data.is_dir():
        raise UsageError(f"{data} is not a directory; give one that holds benchmark files")
    texts: dict[str, None] = {}
    found = []
    for name in task_names():
        if name.startswith("mini"):
            continue
        try:
            new = list(_texts_of(name, data, _MMLU_ROWS if name.startswith("mmlu") else _ROWS))
        except (DataError, DownloadError, UsageError):
            # Not there, or not readable: `fastscore run` is the one to complain about rows.
            continue
        found.append(name)
        texts.update(dict.fromkeys(new))
    return list(texts), found


def _texts_of(name: str, data: Path | None, n_rows: int) -> Iterator[str]:
    task = get_task(name)
    rows = task.load("eval", data_dir=data, offline=True).rows[:n_rows]
    if isinstance(task, GenerationTask):
        yield from (item.context for item in task.items(rows, prompting=Prompting(0)))
        return
    for item in task.items(rows):
        for choice, continuation in enumerate(item.continuations):
            yield item.context_of(choice) + continuation
