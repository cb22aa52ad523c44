"""A profile as JSON: strict, versioned, and checked when it is read."""

from __future__ import annotations

import errno
import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from fastscore.errors import ResultsError
from fastscore.profiling.values import (
    Energy,
    FirstToken,
    Loading,
    Memory,
    Profile,
    Skipped,
    Speed,
)
from fastscore.profiling.workload import Workload
from fastscore.results.fields import Fields, is_finite_number, parse_object

FORMAT_VERSION = 1
"""Raised when a reader of the former version would misread the new one."""

_MOST_TESTS = 10_000


def to_document(profile: Profile) -> dict[str, Any]:
    """Return plain values; names, means and deviations stand beside what they are made of."""
    first, memory = profile.first_token, profile.memory
    return {
        "profile_version": FORMAT_VERSION,
        "date": profile.date,
        "model": dict(profile.model),
        "loading": {
            "seconds": profile.loading.seconds,
            "disk_bytes": profile.loading.disk_bytes,
        },
        "first_token": None
        if first is None
        else {
            "n_prompt": first.n_prompt,
            "seconds": first.seconds,
            "stdev": _null_for_nan(first.stdev),
            "samples": list(first.samples),
        },
        "speeds": [write_speed(speed) for speed in profile.speeds],
        "skipped": [{"name": skip.name, "reason": skip.reason} for skip in profile.skipped],
        "memory": write_memory(memory),
        "energy": {"source": profile.energy.source, "reason": profile.energy.reason},
        "settings": dict(profile.settings),
        "devices": list(profile.devices),
        "warnings": list(profile.warnings),
        "versions": dict(profile.versions),
        "machine": dict(profile.machine),
        "seconds": profile.seconds,
    }


def write_speed(speed: Speed) -> dict[str, Any]:
    """Return a test and what it measured."""
    work = speed.workload
    return {
        "name": speed.name,
        "n_prompt": work.n_prompt,
        "n_gen": work.n_gen,
        "n_depth": work.n_depth,
        "n_batch": work.n_batch,
        "n_ubatch": work.n_ubatch,
        "n_parallel": work.n_parallel,
        "tokens_per_second": speed.tokens_per_second,
        "stdev": _null_for_nan(speed.stdev),
        "samples": list(speed.samples),
        "peak_bytes": speed.peak_bytes,
        "joules_per_token": speed.joules_per_token,
    }


def write_memory(memory: Memory) -> dict[str, Any]:
    """Return what the model takes."""
    return {
        "peak_bytes": memory.peak_bytes,
        "before_load_bytes": memory.before_load_bytes,
        "n_ctx": memory.n_ctx,
        "weights": dict(memory.weights),
        "kv": dict(memory.kv),
        "states": dict(memory.states),
        "compute": dict(memory.compute),
        "kv_bytes_per_token": memory.kv_bytes_per_token,
        "window_bytes_per_token": memory.window_bytes_per_token,
        "window_tokens": memory.window_tokens,
        "state_bytes": memory.state_bytes,
    }


def from_document(document: Mapping[str, Any], where: str) -> Profile:
    """Read a profile back; ``where`` begins the sentence about what is wrong with it."""
    fields = Fields(dict(document), where)
    version = fields.count("profile_version")
    if not 1 <= version <= FORMAT_VERSION:
        raise ResultsError(
            f"{where} is a profile of version {version}; this fastscore reads up to "
            f"{FORMAT_VERSION}. Upgrade it: pip install --upgrade fastscore-gguf"
        )
    model = fields.plain("model")
    checked = fields.object("model")
    for key in ("file_bytes", "weights_bytes", "n_params"):
        checked.count(key)
    checked.text("fingerprint")
    loading = fields.object("loading")
    first = fields.object_or_none("first_token")
    energy = fields.object("energy")
    return Profile(
        model=model,
        loading=Loading(loading.seconds("seconds"), loading.count_or_none("disk_bytes")),
        first_token=None
        if first is None
        else FirstToken(first.count("n_prompt"), _samples(first, least=0.0)),
        speeds=tuple(read_speed(speed) for speed in _objects(fields, "speeds")),
        skipped=tuple(
            Skipped(skip.text("name"), skip.text("reason")) for skip in _objects(fields, "skipped")
        ),
        memory=read_memory(fields.object("memory")),
        energy=Energy(energy.text_or_none("source"), energy.text_or_none("reason")),
        settings=fields.plain("settings"),
        devices=fields.texts("devices"),
        warnings=fields.texts("warnings"),
        versions=_texts(fields.object("versions")),
        machine=fields.plain("machine"),
        seconds=fields.seconds("seconds"),
        date=_date(fields),
    )


def read_speed(fields: Fields) -> Speed:
    """Read a test and what it measured."""
    work = Workload(
        n_prompt=fields.count("n_prompt"),
        n_gen=fields.count("n_gen"),
        n_depth=fields.count("n_depth"),
        n_batch=fields.count("n_batch"),
        n_ubatch=fields.count("n_ubatch"),
        n_parallel=fields.count("n_parallel"),
    )
    if (work.n_prompt > 0) == (work.n_gen > 0):
        raise fields.wrong("n_gen", "a test that either reads or writes")
    joules = fields.number_or_nan("joules_per_token")
    return Speed(
        workload=work,
        samples=_samples(fields, least=0.0),
        peak_bytes=fields.count_or_none("peak_bytes"),
        joules_per_token=None if math.isnan(joules) else joules,
    )


def read_memory(fields: Fields) -> Memory:
    """Read what the model takes."""
    return Memory(
        peak_bytes=fields.count_or_none("peak_bytes"),
        before_load_bytes=fields.count_or_none("before_load_bytes"),
        n_ctx=fields.count("n_ctx"),
        weights=_counts(fields.object("weights")),
        kv=_counts(fields.object("kv")),
        states=_counts(fields.object("states")),
        compute=_counts(fields.object("compute")),
        kv_bytes_per_token=fields.count_or_none("kv_bytes_per_token"),
        window_bytes_per_token=fields.count("window_bytes_per_token"),
        window_tokens=fields.count("window_tokens"),
        state_bytes=fields.count("state_bytes"),
    )


def prepare(path: Path) -> None:
    """Check that a profile can be written, to know before it is measured.

    Raises:
        ResultsError: nothing can be written there.

    """
    with _explained(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _beside(path)
        probe.touch(exist_ok=False)
        probe.unlink()


def save(profile: Profile, path: Path) -> Path:
    """Write a JSON file through a temporary one beside it."""
    temporary = _beside(path)
    text = json.dumps(to_document(profile), ensure_ascii=False, allow_nan=False, indent=2) + "\n"
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def load(path: Path) -> Profile:
    """Read a file that `save` wrote."""
    try:
        text = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise ResultsError(f"{path} cannot be read: {error}") from None
    return from_document(parse_object(text, str(path)).values, str(path))


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ResultsError(
            f"the profile cannot be written to {path}: {error.strerror or error}; "
            "choose another file"
        ) from error


def _null_for_nan(number: float) -> float | None:
    return None if math.isnan(number) else number


def _objects(fields: Fields, key: str) -> list[Fields]:
    values = fields.list(key)
    if len(values) > _MOST_TESTS or not all(isinstance(value, dict) for value in values):
        raise fields.wrong(key, f"a list of up to {_MOST_TESTS} objects")
    return [Fields(value, f"{fields.where}.{key}[{i}]") for i, value in enumerate(values)]


def _samples(fields: Fields, *, least: float) -> tuple[float, ...]:
    values = fields.list("samples")
    if not values or not all(is_finite_number(value) and value > least for value in values):
        raise fields.wrong("samples", "finite numbers above 0, at least one")
    return tuple(float(value) for value in values)


def _counts(fields: Fields) -> dict[str, int]:
    return {key: fields.count(key) for key in fields.values}


def _texts(fields: Fields) -> dict[str, str]:
    return {key: fields.text(key) for key in fields.values}


def _date(fields: Fields) -> str:
    date = fields.text("date")
    try:
        aware = datetime.fromisoformat(date).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise fields.wrong("date", "a date and time with its offset from UTC")
    return date
