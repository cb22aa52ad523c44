"""Results on disk: ``results.json``, and ``samples/<task>.jsonl`` with a line an item.

All files are first written whole under temporary names and synced, and then renamed, the samples
before ``results.json``: a full disk or a crash leaves what was there before. ``results.json`` holds
number of lines and SHA-256 of each samples file, so that one that does not belong to it is noticed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

from fastscore.errors import ResultsError
from fastscore.results.document import SamplesFile, SamplesKind, from_document, to_document
from fastscore.results.fields import Fields, parse_object
from fastscore.results.generation_sample import GenerationSample
from fastscore.results.results import Results
from fastscore.results.sample import Sample
from fastscore.results.values import AnySample

RESULTS_FILE = "results.json"
SAMPLES_FOLDER = "samples"
MAX_DOCUMENT_BYTES = 64 * 2**20
"""Of a ``results.json``: thousands of tasks fit, and what is larger is none."""

_SAFE_FILE = re.compile(rf"{SAMPLES_FOLDER}/[A-Za-z0-9%_.~-]+\.jsonl")

_ADVICE = {
    errno.ENOSPC: "The disk is full: free some space, or choose another directory",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another directory",
    errno.EFBIG: "The file would be larger than allowed here: choose another directory",
    errno.EROFS: "The file system is read-only: choose another directory",
    errno.EACCES: "Permission is missing: choose another directory, or change its permissions",
    errno.EPERM: "Permission is missing: choose another directory, or change its permissions",
    errno.ENOTDIR: "A part of that path is a file: choose another directory",
    errno.ENAMETOOLONG: "A name is too long: shorten the task's name or the directory's",
    errno.EEXIST: "A file of that name is in the way: choose another directory",
}


def prepare_directory(directory: Path) -> None:
    """Create ``directory`` if need be and try to write there, to know before a long run.

    Raises:
        ResultsError: nothing can be written there.

    """
    probe = directory / f".fastscore-{secrets.token_hex(8)}.tmp"
    with _explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(probe, [b"fastscore checks that it can write here\n"])
        finally:
            probe.unlink(missing_ok=True)


def save(results: Results, directory: Path) -> Path:
    """Write ``results`` into ``directory`` and return the path of its ``results.json``.

    Raises:
        ResultsError: that is impossible; the files of an earlier run are still there, and whole.

    """
    final = directory / RESULTS_FILE
    staged: list[tuple[Path, Path]] = []
    references = {}
    with _explained(directory):
        (directory / SAMPLES_FOLDER).mkdir(parents=True, exist_ok=True)
        try:
            for name, task in results.tasks.items():
                path = _samples_path(directory, name, [path for _, path in staged])
                staged.append((_temporary(path), path))
                sha256, lines = _write_synced(
                    staged[-1][0], (sample.to_line() for sample in task.samples)
                )
                references[name] = SamplesFile(f"{SAMPLES_FOLDER}/{path.name}", sha256, lines)
            staged.append((_temporary(final), final))
            _write_synced(staged[-1][0], [_dump(results, references)])
            for temporary, path in staged:
                if path is final:
                    _sync_folder(directory / SAMPLES_FOLDER)
                temporary.replace(path)
            _sync_folder(directory)
        finally:
            for temporary, _ in staged:
                temporary.unlink(missing_ok=True)
    return final


def write_document(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a JSON document beside results, whole or not at all; return its path.

    Raises:
        ResultsError: that is impossible; what was there is still there.

    """
    return write_file(path, [_json(document)])


def write_file(path: Path, pieces: Iterator[bytes] | list[bytes]) -> Path:
    """Write a file's bytes, whole or not at all; return its path.

    Raises:
        ResultsError: that is impossible; what was there is still there.

    """
    temporary = _temporary(path)
    with _explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write_synced(temporary, pieces)
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def load(path: Path) -> Results:
    """Read results from their directory or their ``results.json``, and check their samples' files.

    Raises:
        ResultsError: there are none, or they cannot be trusted; the message says why.

    """
    if path.is_dir():
        path = path / RESULTS_FILE
    return from_document(read_document(path), lambda file, kind: _open_samples(path, file, kind))


def read_document(path: Path) -> Fields:
    """Read a ``results.json`` as it stands.

    Raises:
        ResultsError: there is none, or what is there is no JSON.

    """
    try:
        text = _read(path, MAX_DOCUMENT_BYTES)
    except FileNotFoundError:
        raise ResultsError(
            f"there is no {path}. A run writes it at its end: start the run again with the same "
            "arguments and it goes on where it stopped, or give the directory of another."
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ResultsError(f"{path} cannot be read: {reason}.") from None
    return parse_object(text, str(path))


class LazySamples(Sequence[AnySample]):
    """The samples of a saved task, read and checked again when first asked for."""

    def __init__(self, path: Path, file: SamplesFile, kind: SamplesKind) -> None:
        self._path = path
        self._file = file
        self._kind = kind
        self._samples: tuple[AnySample, ...] | None = None

    @overload
    def __getitem__(self, index: int) -> AnySample: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[AnySample, ...]: ...
    def __getitem__(self, index: int | slice) -> AnySample | tuple[AnySample, ...]:
        return self._read()[index]

    def __len__(self) -> int:
        return self._file.lines

    def _read(self) -> tuple[AnySample, ...]:
        if self._samples is None:
            lines = verify(self._path, self._file).split(b"\n")[:-1]
            read = GenerationSample.from_line if self._kind.generated else Sample.from_line
            self._samples = tuple(
                read(line, self._kind.metrics, f"{self._path}, line {number}")
                for number, line in enumerate(lines, start=1)
            )
        return self._samples


def verify(path: Path, file: SamplesFile) -> bytes:
    """Return the content of a samples file, which must be the one that the results refer to.

    Raises:
        ResultsError: it is missing, or another.

    """
    try:
        content = _read(path)
    except FileNotFoundError:
        raise ResultsError(
            f"{path} is missing, and the results refer to it. Copy the whole output directory, "
            "or run again with the same arguments."
        ) from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror or error}.") from None
    lines = content.count(b"\n")
    whole = lines == file.lines and content[-1:] in (b"", b"\n")
    if not whole or hashlib.sha256(content).hexdigest() != file.sha256:
        raise ResultsError(
            f"{path} is not the file that the results were saved with: it has {lines} lines, "
            f"{file.lines} belong there{', and they differ' if lines == file.lines else ''}. "
            "Copy the whole output directory, or run again with the same arguments."
        )
    return content


def _open_samples(results_path: Path, file: SamplesFile, kind: SamplesKind) -> LazySamples:
    if not _SAFE_FILE.fullmatch(file.file):
        raise ResultsError(f"{results_path}: {file.file!r} is no name of a samples file.")
    path = results_path.parent / file.file
    verify(path, file)
    return LazySamples(path, file, kind)


def _read(path: Path, limit: int | None = None) -> bytes:
    """Return a file's content; OSError where reading might never end, as of a pipe or a device."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if limit is not None and status.st_size > limit:
        raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, and {limit:,} are the limit")
    return path.read_bytes()


def _samples_path(directory: Path, task: str, taken: Sequence[Path]) -> Path:
    """Where a task's samples go: whatever the task is called, a file of the samples folder."""
    path = directory / SAMPLES_FOLDER / f"{quote(task, safe='', errors='backslashreplace')}.jsonl"
    # macOS and Windows hold names that differ in case only for one.
    if path.name.casefold() in (other.name.casefold() for other in taken):
        raise ResultsError(f"two tasks would write to {path}: rename {task!r}.")
    return path


def _dump(results: Results, references: dict[str, SamplesFile]) -> bytes:
    return _json(to_document(results, references))


def _json(document: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    except (TypeError, ValueError) as error:
        raise ResultsError(
            f"model, settings and machine must be plain JSON values to be saved: {error}."
        ) from error
    return text.encode("utf-8", "backslashreplace")


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def _write_synced(path: Path, pieces: Iterator[bytes] | list[bytes]) -> tuple[str, int]:
    """Write a new file, to the disk itself; return the SHA-256 and the number of pieces."""
    digest, count = hashlib.sha256(), 0
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), count


def _sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "Choose another directory")
        raise ResultsError(
            f"results cannot be written to {directory}: {error.strerror or error}. {advice}."
        ) from error
