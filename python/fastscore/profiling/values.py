"""What a model costs on a device: the value that ``fastscore.profile`` returns."""

from __future__ import annotations

import math
import shutil
import statistics
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastscore.profiling.workload import Workload

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


@dataclass(frozen=True, slots=True)
class Speed:
    """A test and what it measured.

    ``samples`` are tokens a second, one a repetition. ``peak_bytes`` is the largest resident set
    of the measuring process up to the end of this test. ``joules_per_token`` is None where nobody
    says what the machine drew.
    """

    workload: Workload
    samples: tuple[float, ...]
    peak_bytes: int | None = None
    joules_per_token: float | None = None

    @property
    def name(self) -> str:
        """As llama-bench names it: ``pp512``, ``tg128 @ d4096``."""
        return self.workload.name

    @property
    def tokens_per_second(self) -> float:
        """The mean over the repetitions."""
        return statistics.fmean(self.samples)

    @property
    def stdev(self) -> float:
        """Standard deviation between repetitions; NaN after a single one."""
        return statistics.stdev(self.samples) if len(self.samples) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class FirstToken:
    """Seconds from a text of ``n_prompt`` tokens to the first token after it, one a repetition.

    The model is loaded and warm; the text is tokenised within the time.
    """

    n_prompt: int
    samples: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """The mean over the repetitions."""
        return statistics.fmean(self.samples)

    @property
    def stdev(self) -> float:
        """Standard deviation between repetitions; NaN after a single one."""
        return statistics.stdev(self.samples) if len(self.samples) > 1 else math.nan


@dataclass(frozen=True, slots=True)
class Loading:
    """Seconds from the file to a model in memory, in a fresh process.

    The file comes from the page cache or the disk, as it was found: ``disk_bytes`` were read from
    storage, None where the system does not say.
    """

    seconds: float
    disk_bytes: int | None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the model takes, in bytes.

    Attributes:
        peak_bytes: Largest resident set of the measuring process while it loaded the model and
            ran the tests of one sequence at depth 0 (the first test, where there are none):
            weights, KV cache, buffers, and the process itself. Memory of a GPU is not in it.
        before_load_bytes: The same before the model was loaded: Python and libraries.
        n_ctx: Tokens of the context that the buffers below belong to.
        weights: By llama.cpp's name of the buffer (``CPU_Mapped``, ``CPU_REPACK``, ``CUDA0``).
        kv: KV cache, likewise.
        states: Recurrent states, likewise; empty for models without.
        compute: Activations and logits, likewise, as reserved; not all of it is touched.
        kv_bytes_per_token: Of the layers that keep every token, at F16; None where llama.cpp
            does not say how it keeps them.
        window_bytes_per_token: Of the layers with a sliding window, likewise.
        window_tokens: So many tokens such layers look back, and no more are kept but for a batch;
            0 for models without.
        state_bytes: Of one recurrent state, whatever the length; 0 for models without.

    """

    peak_bytes: int | None
    before_load_bytes: int | None
    n_ctx: int
    weights: Mapping[str, int]
    kv: Mapping[str, int]
    states: Mapping[str, int]
    compute: Mapping[str, int]
    kv_bytes_per_token: int | None
    window_bytes_per_token: int
    window_tokens: int
    state_bytes: int

    def cache_bytes(self, n_tokens: int) -> int | None:
        """What a text of ``n_tokens`` keeps in KV cache and state; None where nobody knows.

        llama.cpp adds to it: cells are padded, and a window keeps a batch more.
        """
        if self.kv_bytes_per_token is None:
            return None
        in_window = min(n_tokens, self.window_tokens)
        return (
            n_tokens * self.kv_bytes_per_token
            + in_window * self.window_bytes_per_token
            + self.state_bytes
        )


@dataclass(frozen=True, slots=True)
class Energy:
    """Who said what the machine drew (``RAPL: package-0, dram``), or why nobody did.

    It is all that these sensors see, idle power and other programs included.
    """

    source: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A test that was not run, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Profile:
    """What a model costs on this machine: time, memory, energy.

    ``profile["tg128"].tokens_per_second`` is a speed; ``print(profile)`` shows a table.

    Attributes:
        model: What the file says of itself, its ``fingerprint`` and ``file_bytes`` among it;
            ``weights_bytes`` are those of its tensors.
        loading: Time to load it.
        first_token: Time to the first token; None where only writing was timed.
        speeds: One entry a test, in the order they were run.
        skipped: Tests that were left out.
        memory: What it takes.
        energy: Where the joules come from.
        settings: Threads, layers on the GPU, flash attention, weights, repetitions; plain JSON.
        devices: What computed, as llama.cpp names it.
        warnings: What disturbed the measurement, in sentences.
        versions: Of fastscore and the libraries.
        machine: The computer.
        seconds: What all of it took.
        date: When it began, ISO 8601 with its offset from UTC.

    """

    model: Mapping[str, Any]
    loading: Loading
    first_token: FirstToken | None
    speeds: tuple[Speed, ...]
    skipped: tuple[Skipped, ...]
    memory: Memory
    energy: Energy
    settings: Mapping[str, Any]
    devices: tuple[str, ...]
    warnings: tuple[str, ...]
    versions: Mapping[str, str]
    machine: Mapping[str, Any]
    seconds: float
    date: str

    def __getitem__(self, name: str) -> Speed:
        """Return the first test of that name; KeyError names those there are."""
        for speed in self.speeds:
            if speed.name == name:
                return speed
        there = ", ".join(dict.fromkeys(speed.name for speed in self.speeds))
        raise KeyError(f"no test {name!r}; there are {there}")

    @property
    def prefill(self) -> Speed | None:
        """The first test that reads a prompt into an empty cache (``pp512``)."""
        return self._headline(writing=False)

    @property
    def decode(self) -> Speed | None:
        """The first test that writes one sequence from an empty cache (``tg128``)."""
        return self._headline(writing=True)

    def _headline(self, *, writing: bool) -> Speed | None:
        for speed in self.speeds:
            work = speed.workload
            if work.is_headline and (work.n_gen > 0) == writing:
                return speed
        return None

    @property
    def file_bytes(self) -> int:
        """Size of the model's file or files."""
        return int(self.model["file_bytes"])

    @property
    def bits_per_weight(self) -> float:
        """Bits of the file's tensors over the number of parameters, as llama.cpp counts both."""
        n_params = int(self.model["n_params"])
        return 8 * int(self.model["weights_bytes"]) / n_params if n_params else math.nan

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return self.table()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from fastscore.profiling.table import to_lines

        return to_lines(self, width=options.max_width)

    def _repr_html_(self) -> str:
        from fastscore.profiling.html import to_html

        return to_html(self)

    def table(self, *, width: int | None = None) -> str:
        """Return the figures and what must be known about them, as plain text.

        ``width`` is in characters; if not given, that of the terminal, and unlimited where the
        output is none.
        """
        from fastscore.profiling.table import to_lines

        if width is None and sys.stdout is not None and sys.stdout.isatty():
            width = shutil.get_terminal_size().columns
        return "\n".join(line.plain.rstrip() for line in to_lines(self, width=width))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values of strict JSON, which ``from_dict`` reads."""
        from fastscore.profiling.document import to_document

        return to_document(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Profile:
        """Read back what ``to_dict`` gave; ResultsError names what is missing or wrong."""
        from fastscore.profiling.document import from_document

        return from_document(document, "profile")

    def save(self, path: str | Path) -> Path:
        """Write a JSON file, whole or not at all; ResultsError where that is impossible."""
        from fastscore.profiling.document import save

        return save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read a file that ``save`` wrote; ResultsError where it is none."""
        from fastscore.profiling.document import load

        return load(Path(path))
