"""The demo model in float32, which takes a while to make and half a gigabyte to keep."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def f32_model(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo model with the same weight values in float32, 540 MB."""
    import llama_cpp

    target = tmp_path_factory.mktemp("f32") / "smollm2-f32.gguf"
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_ALL_F32
    parameters.allow_requantize = True
    status = llama_cpp.llama_model_quantize(
        str(demo_model).encode(), str(target).encode(), ctypes.byref(parameters)
    )
    assert status == 0
    yield target
    target.unlink()
