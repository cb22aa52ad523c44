"""One libllama in the process, the one that llama_cpp loaded, refused when it does not fit."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastscore import _core
from fastscore.errors import EngineMismatchError
from fastscore.model import library
from models.fixtures import TinyModel

from .open_each import TESTS


def run_python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=TESTS,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


COUNT = """
import sys
with Model(sys.argv[1], n_threads=1) as model:
    model.loglikelihood([("the", " sun")])
    lines = open("/proc/self/maps").read().splitlines()
files = {line.split(None, 5)[5] for line in lines if "libllama" in line or "libggml" in line}
inodes = {(line.split()[3], line.split()[4]) for line in lines if "libllama" in line}
print(len([f for f in files if "libllama" in f]), len(inodes))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "imports",
    [
        "import llama_cpp; from fastscore.model import Model",
        "from fastscore.model import Model; import llama_cpp",
        "import fastscore._core; import llama_cpp; from fastscore import Model",
    ],
)
def test_one_libllama_whatever_is_imported_first(tiny_model: TinyModel, imports: str) -> None:
    done = run_python(imports + COUNT, str(tiny_model("llama")))
    assert done.stdout == "1 1\n", done.stderr


def test_the_core_links_no_llama() -> None:
    assert b"libllama.so" not in Path(_core.__file__).read_bytes()


def test_nothing_is_written_to_the_terminal(tiny_model: TinyModel) -> None:
    done = run_python("from fastscore.model import Model" + COUNT, str(tiny_model("llama")))
    assert done.stderr == ""


def mirror(name: str, *fields: tuple[str, type]) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


@pytest.mark.parametrize("name", sorted(_core.struct_layouts()))
def test_another_layout_of_a_struct_names_both_versions(name: str) -> None:
    from llama_cpp import llama_cpp as api

    mirrors = {known: getattr(api, known) for known in _core.struct_layouts()}
    library.check_layouts(mirrors)
    as_it_is = [(field, kind) for field, kind, *_ in mirrors[name]._fields_]
    one_field_more = [("flags", ctypes.c_int64), *as_it_is]
    one_field_less = as_it_is[:-1]
    other_name = [("other", as_it_is[0][1]), *as_it_is[1:]]
    for fields in (one_field_more, one_field_less, other_name):
        with pytest.raises(EngineMismatchError) as error:
            library.check_layouts(mirrors | {name: mirror(name, *fields)})
        said = str(error.value)
        assert name in said
        assert f"llama-cpp-python {importlib.metadata.version('llama-cpp-python')}" in said
        assert f"fastscore {importlib.metadata.version('fastscore-gguf')}" in said
        assert "pip install" in said


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_missing_functions_are_all_named() -> None:
    (libc,) = {
        line.split(None, 5)[5].strip()
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith(("/libc.so.6",))
    }
    with pytest.raises(
        EngineMismatchError, match=r"lacks llama_version, .*llama_decode.*, llama_log"
    ):
        _core.Library(libc)
    with pytest.raises(
        EngineMismatchError, match="is not loaded in this process; import llama_cpp"
    ):
        _core.Library("/nowhere/libllama.so")


@pytest.mark.parametrize(
    ("package", "says"),
    [
        ("raise ImportError('no module named llama_cpp')", "no module named llama_cpp"),
        ("raise RuntimeError('Failed to load shared library')", "Failed to load shared library"),
        ("raise OSError('libgomp.so.1: cannot open')", "libgomp.so.1: cannot open"),
        ("class llama_cpp: pass", "llama_batch"),
    ],
)
def test_a_llama_cpp_python_that_does_not_load(tmp_path: Path, package: str, says: str) -> None:
    (tmp_path / "llama_cpp").mkdir()
    (tmp_path / "llama_cpp" / "__init__.py").write_text(package)
    code = (
        "from fastscore.model import library\n"
        "try: library.load()\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = run_python(code, PYTHONPATH=str(tmp_path))
    assert done.stdout.startswith("EngineMismatchError llama-cpp-python cannot be loaded: "), done
    assert says in done.stdout
    assert "pip install --force-reinstall" in done.stdout


def test_versions_say_what_takes_part() -> None:
    versions = library.versions()
    assert versions["fastscore"] == importlib.metadata.version("fastscore-gguf")
    assert versions["llama-cpp-python"] == importlib.metadata.version("llama-cpp-python")
    assert versions["llama.cpp"]
    assert versions["kernel"] in _core.kernels()
    assert "CPU" in versions["backends"]


def test_the_log_is_kept_for_the_message_of_a_failure(tiny_model: TinyModel) -> None:
    api, core = library.load()
    core.capture_log()
    library.take_log()
    assert not api.llama_model_load_from_file(b"/nowhere.gguf", api.llama_model_default_params())
    assert "/nowhere.gguf" in library.take_log()
    assert library.take_log() == ""


def test_the_library_outlives_every_reference_of_python() -> None:
    """llama.cpp keeps its address and logs up to its own end."""
    done = run_python(
        "import sys; from fastscore.model import library; _, native = library.load();"
        "before = sys.getrefcount(native); library._load.cache_clear();"
        "print(before, sys.getrefcount(native))"
    )
    # `native`, the argument, the one that is never given back; before, the cache's beside them.
    assert done.stdout == "4 3\n", done.stderr


def test_file_types_are_named_by_the_constants_of_llama_cpp() -> None:
    from fastscore.model.ftype import ftype_name

    api, _ = library.load()
    names = {}
    for ftype in (0, 1, 3, 15, 32, 3 | api.LLAMA_FTYPE_GUESSED, 999):

        class Api:
            LLAMA_FTYPE_GUESSED = api.LLAMA_FTYPE_GUESSED
            LLAMA_FTYPE_ALL_F32 = api.LLAMA_FTYPE_ALL_F32
            LLAMA_FTYPE_MOSTLY_F16 = api.LLAMA_FTYPE_MOSTLY_F16
            LLAMA_FTYPE_MOSTLY_Q4_1 = api.LLAMA_FTYPE_MOSTLY_Q4_1
            LLAMA_FTYPE_MOSTLY_Q4_K_M = api.LLAMA_FTYPE_MOSTLY_Q4_K_M
            LLAMA_FTYPE_MOSTLY_BF16 = api.LLAMA_FTYPE_MOSTLY_BF16
            llama_model_ftype = staticmethod(lambda model, found=ftype: found)

        names[ftype] = ftype_name(Api, None)
    assert list(names.values()) == ["F32", "F16", "Q4_1", "Q4_K_M", "BF16", "Q4_1", "type 999"]
