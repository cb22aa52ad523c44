"""Files in other types: what is written, what is refused, and what happens when it fails."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize

import fastscore
from fastscore.errors import QuantizeError, UsageError
from fastscore.model import file_types, quantise, quantise_process
from fastscore.model.fingerprint import fingerprint
from fastscore.model.ggml_types import TENSOR_TYPES
from fastscore.model.quantise import SOURCE_KEY, base_name, quantize
from fastscore.model.tensors import read_model
from models.fixtures import BrokenModel, TinyModel

from .engine import open_tiny
from .test_longrope import LENGTHS, write_in_two_parts

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def f32(tiny_model: TinyModel) -> Path:
    return tiny_model("llama")


def values(path: Path) -> dict[str, np.ndarray]:
    """All tensors as float32, by the gguf package's own arithmetic."""
    return {
        tensor.name: dequantize(tensor.data, tensor.tensor_type).reshape(-1)
        for tensor in GGUFReader(path).tensors
    }


def left_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_sizes_of_types_are_those_of_the_format() -> None:
    for kind, (block, block_bytes) in gguf.GGML_QUANT_SIZES.items():
        known = TENSOR_TYPES[int(kind)]
        assert (known.name, known.block, known.block_bytes) == (kind.name, block, block_bytes)


def test_tensors_are_listed_as_the_gguf_package_lists_them(tiny_model: TinyModel) -> None:
    for path in (tiny_model("qwen3moe", half=True), tiny_model("mamba")):
        found = read_model(path)
        for ours, theirs in zip(found.tensors, GGUFReader(path).tensors, strict=True):
            assert (ours.name, ours.type) == (theirs.name, theirs.tensor_type.name)
            assert ours.shape == tuple(theirs.shape.tolist())
            assert (ours.begin, ours.n_bytes) == (theirs.data_offset, theirs.n_bytes)
            assert ours.n_weights == theirs.n_elements
        expected = sum(8 * t.n_bytes for t in GGUFReader(path).tensors)
        assert found.bits_per_weight == expected / sum(t.n_weights for t in found.tensors)


def test_files_hold_the_same_weights_rounded(f32: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    files = fastscore.quantize(
        f32, "q8_0, BF16", tmp_path / "new" / "folder", progress=lambda *step: seen.append(step)
    )
    assert [file.type for file in files] == ["Q8_0", "BF16"]
    assert left_in(tmp_path / "new" / "folder") == [file.path.name for file in files[::-1]]
    original = values(f32)
    for file, share in zip(files, (1 / 254, 2**-8), strict=True):
        assert file.path == tmp_path / "new" / "folder" / f"{f32.stem}-{file.type}.gguf"
        assert Path(os.fspath(file)) == file.path
        written = values(file.path)
        assert written.keys() == original.keys()
        for name, before in original.items():
            largest = np.abs(before).max()
            np.testing.assert_allclose(written[name], before, atol=1.1 * share * largest, rtol=0)
        types = [tensor.tensor_type.name for tensor in GGUFReader(file.path).tensors]
        assert file.tensor_types == {kind: types.count(kind) for kind in set(types)}
        assert set(types) == {file.type, "F32"}
        assert file.n_bytes == file.path.stat().st_size
        assert not file.kept
        assert file.seconds > 0
        assert (file.fallbacks, file.notes) == ({}, ())
        with open_tiny(file.path) as model:
            assert model.info.quantisation == file.type
            bits = 8 * model.info.weights_bytes / model.info.n_params
            assert bits == pytest.approx(file.bits_per_weight, rel=1e-12)
    assert 8.5 < files[0].bits_per_weight < 9 < 16 < files[1].bits_per_weight < 17
    total = len(GGUFReader(f32).tensors)
    assert seen == [(kind, i + 1, total) for kind in ("Q8_0", "BF16") for i in range(total)]


def test_files_of_this_model_are_kept(
    f32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = quantize(f32, "Q8_0", tmp_path)[0]
    written = first.path.stat()
    monkeypatch.setattr(quantise, "write_checked", None)  # nothing is to be written
    again = quantize(f32, ["Q8_0"], tmp_path)[0]
    assert again.kept
    assert (again.seconds, again.tensor_types) == (0.0, first.tensor_types)
    assert first.path.stat() == written
    assert read_model(first.path).metadata.values[SOURCE_KEY] == fingerprint(f32)


def test_other_files_are_not_replaced_unasked(
    f32: Path, tiny_model: TinyModel, tmp_path: Path
) -> None:
    target = tmp_path / f"{f32.stem}-F16.gguf"
    others = (tiny_model("gpt2"), tiny_model("llama", seed=1))
    for content in (b"something else", others[0].read_bytes(), others[1].read_bytes()[:30_000]):
        target.write_bytes(content)
        with pytest.raises(UsageError, match="is there already, and was not made here from"):
            quantize(f32, "Q8_0,F16", tmp_path)
        assert target.read_bytes() == content
        assert left_in(tmp_path) == [target.name]
    assert not quantize(f32, "F16", tmp_path, force=True)[0].kept
    assert read_model(target).metadata.values[SOURCE_KEY] == fingerprint(f32)
    # The same name and type, from another file.
    other = tmp_path / "other" / f32.name
    other.parent.mkdir()
    shutil.copy(others[1], other)
    with pytest.raises(UsageError, match="was not made here from"):
        quantize(other, "F16", tmp_path)


def test_the_model_itself_is_never_replaced(f32: Path, tmp_path: Path) -> None:
    model = tmp_path / "tiny-F32.gguf"
    shutil.copy(f32, model)
    for force in (False, True):
        with pytest.raises(UsageError, match="is the model itself"):
            quantize(model, "F32", tmp_path, force=force)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("model-F16.gguf", "model"),
        ("model.bf16.gguf", "model"),
        ("model.Q4_1.gguf", "model.Q4_1"),
        ("model-f32-00001-of-00003.gguf", "model"),
        ("f16.gguf", "f16"),
        ("-F16.gguf", "-F16"),
    ],
)
def test_names_begin_with_that_of_the_model(file: str, name: str) -> None:
    assert base_name(Path(file)) == name


@pytest.mark.parametrize(
    ("types", "said"),
    [
        ("Q4KM", "did you mean Q4_K_M?"),
        ("Q8_0,hal9000", "there is no type 'HAL9000'; there are F32, F16, "),
        ("IQ2_XS", "IQ2_XS needs an importance matrix"),
        (["Q8_0", "Q2_K_S"], "Q2_K_S needs an importance matrix"),
        ("NVFP4", "cannot write them"),
        (" , ", "no type to quantise to"),
        ([], "no type to quantise to"),
    ],
)
def test_types_that_cannot_be_made_are_refused_first(
    f32: Path, tmp_path: Path, types: str | list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said.replace("?", r"\?")):
        quantize(f32, types, tmp_path / "output")
    assert not (tmp_path / "output").exists()


def test_other_requests_that_cannot_be_met(f32: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="n_threads is 0"):
        quantize(f32, "Q8_0", tmp_path, n_threads=0)
    for options, said in (
        ({"n_threads": 1025}, "n_threads is 1025; .* at most 1024"),
        ({"n_threads": "2"}, "n_threads is '2', which is no whole number"),
        ({"force": "no"}, "force is 'no'; give True or False"),
        ({"output": None}, "output is None; give the path of a directory"),
        ({"types": None}, "types is None; give names of types"),
        ({"types": [5]}, r"types is \[5\]; give names of types"),
        ({"model": None}, "there is no file None"),
    ):
        with pytest.raises(UsageError, match=said):
            quantize(**({"model": f32, "types": "Q8_0", "output": tmp_path} | options))  # type: ignore[arg-type]
    with pytest.raises(QuantizeError, match="cannot be made"):
        quantize(f32, "Q8_0", tmp_path / ("a" * 300))
    with pytest.raises(UsageError, match="there is no file"):
        quantize(tmp_path / "none.gguf", "Q8_0", tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(QuantizeError, match="cannot be made"):
        quantize(f32, "Q8_0", tmp_path / "file" / "folder")


def test_short_names_and_repeated_ones() -> None:
    assert list(file_types.wanted_types(["q4_k,Q5_K", "Q4_K_M"])) == ["Q4_K_M", "Q5_K_M"]
    assert list(file_types.wanted_types(name for name in ("Q8_0", "Q6_K"))) == ["Q8_0", "Q6_K"]  # type: ignore[arg-type]
    known = file_types.file_types()
    assert {"F32", "F16", "BF16", "Q8_0", "Q2_K", "IQ4_XS", "TQ1_0", "MXFP4_MOE"} <= set(known)
    assert "GUESSED" not in known
    assert "NVFP4" not in known


def test_llama_cpp_wants_no_matrix_for_what_is_allowed(demo_model: Path) -> None:
    """Asked about each type, without writing anything."""
    code = f"""
import ctypes, llama_cpp
lines = []
@llama_cpp.llama_log_callback
def heard(level, text, _):
    lines.append(text)
llama_cpp.llama_log_set(heard, ctypes.c_void_p(0))
params = llama_cpp.llama_model_quantize_default_params()
params.allow_requantize = params.dry_run = True
for name, number in {file_types.file_types()!r}.items():
    params.ftype = number
    lines.clear()
    llama_cpp.llama_model_quantize({os.fsencode(demo_model)!r}, b"", ctypes.byref(params))
    print(name, int(b"will require an imatrix" in b"".join(lines)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    asked = [line.split() for line in done.stdout.splitlines()]
    assert len(asked) == len(file_types.file_types()) > 30
    needed = {name for name, matrix in asked if matrix == "1"}
    assert needed
    assert needed <= set(file_types._NEED_IMPORTANCE)


def test_what_was_lost_stays_lost_and_is_said(f32: Path, tmp_path: Path) -> None:
    first = quantize(f32, "Q4_1", tmp_path)[0]
    assert first.path.name.endswith("-Q4_1.gguf")
    again = quantize(first, "Q8_0", tmp_path)[0]
    assert again.path.name == f"{f32.stem}-Q4_1-Q8_0.gguf"
    lost, larger = again.notes
    assert lost.startswith("Made from Q4_1: what that lost stays lost.")
    assert larger.startswith("Q8_0: 8.6 bits a weight where Q4_1 has 5.8: larger")
    half = quantize(f32, "F16", tmp_path)[0]
    assert half.notes == ()
    assert all("lost" not in note for note in quantize(half, "Q5_1", tmp_path)[0].notes)
    (larger,) = quantize(half, "F32", tmp_path)[0].notes
    assert larger.startswith("F32: 32.0 bits a weight where F16 has 16.0")


def test_rows_that_do_not_fit_get_another_type_and_it_is_said(f32: Path, tmp_path: Path) -> None:
    """Rows of 64 and 128 weights, where Q4_K takes 256."""
    file = quantize(f32, "Q4_K_M", tmp_path)[0]
    written = [t.tensor_type for t in GGUFReader(file.path).tensors if len(t.shape) > 1]
    assert GGMLQuantizationType.Q4_K not in written
    assert sum(file.fallbacks.values()) == len(written)
    assert file.fallbacks == {kind.name: written.count(kind) for kind in set(written)}
    (note,) = file.notes
    assert (
        f"{len(written)} of {len(written)} matrices have rows that the blocks of the type meant"
        in note
    )
    assert f"{file.fallbacks['Q5_0']} as Q5_0" in note


def test_a_model_in_parts_becomes_one_file(tiny_model: TinyModel, tmp_path: Path) -> None:
    whole = tiny_model("longrope", **LENGTHS)
    (tmp_path / "parts").mkdir()
    first = write_in_two_parts(whole, tmp_path / "parts")
    file = quantize(first, "F32", tmp_path)[0]
    assert file.path.name == "split-F32.gguf"
    for name, expected in values(whole).items():
        np.testing.assert_array_equal(values(file.path)[name], expected)
    with open_tiny(file.path, exact=True) as one, open_tiny(whole, exact=True) as other:
        pairs = [("the moon", " and the sun")]
        assert one.loglikelihood(pairs) == other.loglikelihood(pairs)


def test_no_room_on_the_disk_is_said_before(
    f32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 60_000_000))
    assert quantize(f32, "Q8_0", tmp_path)
    with pytest.raises(QuantizeError, match=r"2 new files of \d+ MB in all: .* has 60 MB free"):
        quantize(f32, "F16,BF16", tmp_path)
    assert len(left_in(tmp_path)) == 1


def test_a_disk_that_fills_up_on_the_way(f32: Path, tmp_path: Path) -> None:
    """As a file that may not grow any more: to the stream that writes it, the same."""
    resource = pytest.importorskip("resource", reason="the system has no limit for files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(QuantizeError, match=r"is the disk full\?\)$") as caught:
            quantize(f32, "Q4_K_M", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    # llama.cpp warns of every tensor that gets another type.
    assert "falling back" not in str(caught.value)
    assert left_in(tmp_path) == []


def test_weights_that_are_no_numbers(broken_model: BrokenModel, tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match="cannot quantise nan_logits"):
        quantize(broken_model("nan_logits"), "Q8_0", tmp_path)
    assert left_in(tmp_path) == []


def test_a_process_that_dies_takes_nobody_along(
    f32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(dying))
    for script, said in (
        ("kill -9 $$", "was killed"),
        ("echo 'ggml.c:1: GGML_ASSERT(x) failed' >&2; kill -6 $$", "GGML_ASSERT"),
        ("exit 3", "exit status 3"),
    ):
        dying.write_text(f"#!/bin/sh\n{script}\n")
        dying.chmod(dying.stat().st_mode | stat.S_IXUSR)
        with pytest.raises(QuantizeError, match=said):
            quantize(f32, "Q8_0", tmp_path / "output")
    assert left_in(tmp_path / "output") == []


def test_stopped_in_the_middle(f32: Path, tmp_path: Path) -> None:
    def stop(kind: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = set(psutil.Process().children())  # servers of other tests, or multiprocessing's
    with pytest.raises(KeyboardInterrupt):
        quantize(f32, "Q8_0", tmp_path, progress=stop)
    assert left_in(tmp_path) == []
    assert set(psutil.Process().children()) <= before


def test_a_file_that_is_not_whole_gets_no_name(
    f32: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = quantise_process.Job.run

    def cut(self: quantise_process.Job, progress: object = None) -> None:
        run(self)
        os.truncate(self.target, 100_000)

    monkeypatch.setattr(quantise_process.Job, "run", cut)
    with pytest.raises(QuantizeError, match=r"could not be written whole: .* is incomplete"):
        quantize(f32, "F32", tmp_path)
    assert left_in(tmp_path) == []

    def full(path: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(quantise_process.Job, "run", run)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(QuantizeError, match="No space left on device"):
        quantize(f32, "F32", tmp_path)
    assert left_in(tmp_path) == []


def test_what_a_killed_process_left_goes(f32: Path, tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    name = f"{f32.stem}-F16.gguf"
    abandoned = tmp_path / f".{name}.{done.pid}.part"
    in_use = tmp_path / f".{name}.{os.getppid()}.part"
    other = tmp_path / f".other.gguf.{done.pid}.part"
    for file in (abandoned, in_use, other):
        file.touch()
    quantize(f32, "F16", tmp_path)
    assert left_in(tmp_path) == sorted([in_use.name, other.name, name])
