"""Model files made from another one in other types: llama.cpp's own quantiser, and what it did."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fastscore.errors import ModelError, QuantizeError, UsageError
from fastscore.machine import home_expanded
from fastscore.model.arguments import whole
from fastscore.model.file_types import file_types, wanted_types
from fastscore.model.fingerprint import fingerprint, model_files
from fastscore.model.ggml_types import FLOATS, TENSOR_TYPES
from fastscore.model.locate import locate
from fastscore.model.quantise_process import Job
from fastscore.model.replaced import replaced
from fastscore.model.settings import MOST_THREADS
from fastscore.model.tensors import ModelFile, read_model
from fastscore.model.threads import default_threads
from fastscore.sizes import counted

SOURCE_KEY = "fastscore.source.sha256"
"""Metadata of a file made here: the fingerprint of the file that it was made from."""

_BLOCK = 256  # weights that types with scales of scales (Q4_K, IQ4_XS) hold together
_MARGIN = 32 << 20  # bytes beside the tensors: the vocabulary is some MB
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")
_FLOAT_ENDING = re.compile(r"[-._](f32|f16|bf16|fp32|fp16)$", re.IGNORECASE)
_MORE_BITS = 0.05  # a weight; less comes of the vectors that stay F32
_BLOCKS = {one.name: one.block for one in TENSOR_TYPES.values()}


@dataclass(frozen=True)
class QuantizedFile:
    """A file that `quantize` wrote or found; it can be given where a path can.

    ``type`` is llama.cpp's name of the file's type, ``bits_per_weight`` the mean over all tensors.
    ``tensor_types`` counts tensors by the type they are stored in. ``fallbacks`` counts those of
    them whose rows do not fit the type, and that got another one. ``kept`` says that the file was
    there before, ``seconds`` is 0 then. ``notes`` say what one must know of it, a sentence each.
    """

    path: Path
    type: str
    n_bytes: int
    bits_per_weight: float
    tensor_types: Mapping[str, int]
    fallbacks: Mapping[str, int]
    notes: tuple[str, ...]
    kept: bool
    seconds: float

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "path": str(self.path),
            "type": self.type,
            "bytes": self.n_bytes,
            "bits_per_weight": self.bits_per_weight,
            "tensor_types": dict(self.tensor_types),
            "fallbacks": dict(self.fallbacks),
            "notes": list(self.notes),
            "kept": self.kept,
            "seconds": self.seconds,
        }


def quantize(
    model: str | os.PathLike[str],
    types: str | Sequence[str],
    output: str | os.PathLike[str],
    *,
    n_threads: int | None = None,
    force: bool = False,
    progress: Callable[[str, int, int], object] | None = None,
) -> list[QuantizedFile]:
    """Write a model in other types, one file each: ``output/NAME-TYPE.gguf``.

    Example:
        >>> files = quantize("model-F16.gguf", "Q8_0,Q4_K_M", "quantised")  # doctest: +SKIP

    Args:
        model: What `fastscore.Model` takes. Weights that are quantised already are allowed: what
            they lost stays lost, and the notes of the files say so.
        types: Names as llama-quantize takes them: ``Q8_0``, ``Q4_K_M``, ``BF16``, ... Several may
            stand in one text, with commas between.
        output: Directory, made where it does not exist.
        n_threads: Threads of the quantiser; None for the physical cores.
        force: Replace files that are there already. Without it those that were made from this very
            model are kept as they are.
        progress: Called with the type, tensors done and tensors in all.

    Raises:
        UsageError: a type that cannot be made, or a file that is there and was made from another
            model; nothing was written.
        ModelError: the model cannot be read.
        QuantizeError: llama.cpp fails, or the disk has no room. Files appear whole or not at all.

    """
    wanted = wanted_types(types)
    if n_threads is not None:
        why = f"quantising takes at least 1 thread, and at most {MOST_THREADS}"
        n_threads = whole("n_threads", n_threads, 1, MOST_THREADS, why)
    if not isinstance(force, bool):
        raise UsageError(f"force is {force!r:.60}; give True or False")
    if not isinstance(output, (str, os.PathLike)):
        raise UsageError(f"output is {output!r:.60}; give the path of a directory")
    path = locate(os.fspath(model) if isinstance(model, os.PathLike) else model).path
    source, directory = read_model(path), home_expanded(output)
    name = base_name(path)
    targets = {kind: directory / f"{name}-{kind}.gguf" for kind in wanted}
    origin = fingerprint(path)
    _make_directory(directory)
    kept = {
        kind: found
        for kind, target in targets.items()
        if (found := _there_already(target, wanted[kind], origin, source, force=force))
    }
    jobs = {
        kind: Job(
            path,
            targets[kind],
            wanted[kind],
            n_threads or default_threads(),
            facts={SOURCE_KEY: origin},
        )
        for kind in wanted
        if kind not in kept
    }
    _check_room(jobs.values(), directory)
    files = []
    for kind in wanted:
        if kind in kept:
            files.append(_describe(kept[kind], kind, source, None))
            continue
        started = time.perf_counter()
        written = write_checked(jobs[kind], source, _for_type(progress, kind))
        files.append(_describe(written, kind, source, time.perf_counter() - started))
    return files


def base_name(path: Path) -> str:
    """The name that files made from ``path`` begin with.

    The number of a part is left out, and so is the type of weights that are not quantised. That of
    quantised ones stays: what they lost stays lost.
    """
    stem = _SPLIT.sub("", path.stem)
    return _FLOAT_ENDING.sub("", stem) or stem


def write_checked(
    job: Job, source: ModelFile, progress: Callable[[int, int], object] | None = None
) -> ModelFile:
    """Carry a job out and read the file back before it gets its name.

    Raises QuantizeError where llama.cpp fails, or the file does not hold the tensors of ``source``.
    """
    try:
        with replaced(job.target) as temporary:
            replace(job, target=temporary).run(progress)
            _check_complete(temporary, source)
        return read_model(job.target)
    except (OSError, ModelError) as error:
        raise QuantizeError(f"{job.target} could not be written whole: {error}") from error


def _check_complete(path: Path, source: ModelFile) -> None:
    # A full disk is no error to llama.cpp's stream: the tensors that it could not write are amiss.
    if _shapes(read_model(path)) != _shapes(source):
        raise QuantizeError(f"llama.cpp left out tensors of {source.path.name}; report it")


def _shapes(file: ModelFile) -> dict[str, tuple[int, int]]:
    return {tensor.name: (tensor.shape[0], tensor.n_weights) for tensor in file.tensors}


def _for_type(
    progress: Callable[[str, int, int], object] | None, kind: str
) -> Callable[[int, int], object] | None:
    return None if progress is None else lambda done, total: progress(kind, done, total)


def _there_already(
    target: Path, number: int, origin: str, source: ModelFile, *, force: bool
) -> ModelFile | None:
    """The file, if it was made from this source; UsageError if it was not and may not go."""
    if not target.exists():
        return None
    if any(target.samefile(part) for part in model_files(source.path)):
        raise UsageError(f"{target} is the model itself; choose another --output")
    if force:
        return None
    try:
        found = read_model(target)
        made_here = found.metadata.values.get(SOURCE_KEY) == origin
        same_type = found.metadata.values.get("general.file_type") == number
    except ModelError:
        made_here = same_type = False
    if made_here and same_type:
        return found
    raise UsageError(
        f"{target} is there already, and was not made here from {source.path.name}; choose another "
        "--output, or replace it with --force (force=True)"
    )


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QuantizeError(f"{directory} cannot be made: {error.strerror}") from error


def _check_room(jobs: Iterable[Job], directory: Path) -> None:
    """Ask llama.cpp what the files will hold, which also finds models it cannot quantise."""
    sizes = [job.expected_bytes() + _MARGIN for job in jobs]
    free = shutil.disk_usage(directory).free
    if sum(sizes) > free:
        raise QuantizeError(
            f"there is no room for {counted(len(sizes), 'new file')} of {sum(sizes) / 1e6:,.0f} MB "
            f"in all: {directory} has {free / 1e6:,.0f} MB free; ask for fewer types, or choose "
            "another --output"
        )


def _describe(
    written: ModelFile, kind: str, source: ModelFile, seconds: float | None
) -> QuantizedFile:
    fallbacks = _fallbacks(written, kind, source)
    return QuantizedFile(
        path=written.path,
        type=kind,
        n_bytes=written.path.stat().st_size,
        bits_per_weight=written.bits_per_weight,
        tensor_types=dict(Counter(tensor.type for tensor in written.tensors).most_common()),
        fallbacks=fallbacks,
        notes=tuple(_notes(written, kind, source, fallbacks)),
        kept=seconds is None,
        seconds=seconds or 0.0,
    )


def _fallbacks(written: ModelFile, kind: str, source: ModelFile) -> dict[str, int]:
    """Count the matrices that could not get the type meant for them, by the type they got."""
    if kind in FLOATS or kind == "MXFP4_MOE":  # the latter is meant to be two types
        return {}
    before = {tensor.name: tensor.type for tensor in source.tensors}
    # Mixtures of types with large blocks are named by a family, others by the type itself.
    family = _BLOCKS.get(kind, _BLOCK) == _BLOCK
    count: Counter[str] = Counter()
    for tensor in written.tensors:
        untouched = tensor.type in FLOATS and tensor.type == before[tensor.name]
        fits = tensor.shape[0] % _BLOCK == 0 or (not family and tensor.type == kind)
        if len(tensor.shape) > 1 and not untouched and tensor.type != "F32" and not fits:
            count[tensor.type] += 1
    return dict(count.most_common())


def _notes(
    written: ModelFile, kind: str, source: ModelFile, fallbacks: Mapping[str, int]
) -> Iterator[str]:
    origin = type_of(source)
    if next(iter(source.types)) not in FLOATS:
        yield (
            f"Made from {origin}: what that lost stays lost. For better quality make it from an "
            "F16, BF16 or F32 file."
        )
    have, had = written.bits_per_weight, source.bits_per_weight
    if have > had + _MORE_BITS:
        yield (
            f"{kind}: {have:.1f} bits a weight where {origin} has {had:.1f}: larger, and no more "
            "precise."
        )
    if fallbacks:
        n_matrices = sum(len(tensor.shape) > 1 for tensor in written.tensors)
        others = ", ".join(f"{n} as {name}" for name, n in fallbacks.items())
        yield (
            f"{kind}: {sum(fallbacks.values())} of {n_matrices} matrices have rows that the "
            f"blocks of the type meant for them do not divide; llama.cpp stores {others}."
        )


def type_of(file: ModelFile) -> str:
    """The type that a file names for itself, else that of most weights."""
    number = file.metadata.values.get("general.file_type")
    named = [name for name, value in file_types().items() if value == number]
    return named[0] if named else next(iter(file.types))
