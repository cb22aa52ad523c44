"""What is built and shipped: the wheel, the source distribution, the stubs, the command."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

import fastscore
from fastscore import _core

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "python" / "fastscore"


def _run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _build(kind: str, folder: Path) -> Path:
    """Build in place, so that what the installation compiled is not compiled again."""
    for tool in ("build", "scikit_build_core", "pybind11"):
        if find_spec(tool) is None:
            pytest.skip(f"{tool} is not installed; `make test` installs it")
    _run(sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", folder, ".")
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("sdist", tmp_path_factory.mktemp("sdist"))


def _shipped_sources() -> set[str]:
    """Python sources, stubs, marker and data files, as paths in the package."""
    return {
        path.relative_to(SOURCES.parent).as_posix()
        for path in SOURCES.rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".so", ".pyd")
    }


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {name for name in names if not name.startswith("fastscore_gguf-")}
    extensions = {name for name in package if name.endswith((".so", ".pyd"))}
    assert sorted(Path(name).name.partition(".")[0] for name in extensions) == ["_core", "_sandbox"]
    assert package - extensions == _shipped_sources()
    assert {
        "fastscore/py.typed",
        "fastscore/_core.pyi",
        "fastscore/data/mini.jsonl",
        "fastscore/results/schema.json",
    } <= package
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_wheel_installs_and_runs_elsewhere(wheel: Path, tmp_path: Path) -> None:
    """In an environment without this checkout; only the dependencies are borrowed from ours."""
    venv.create(tmp_path / "env", with_pip=False)
    scripts = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "-qq", wheel)
    purelib = Path(
        _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    # A .pth file of our own environment, such as an editable installation's, has no effect there.
    ours = {Path(entry) for entry in sys.path if entry.endswith("site-packages")}
    (purelib / "dependencies.pth").write_text("\n".join(map(str, ours)), encoding="utf-8")
    where = _run(python, "-c", "import fastscore; print(fastscore.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(tmp_path)
    assert f"fastscore: {version('fastscore-gguf')}" in _run(scripts / "fastscore", "--version")
    listed = _run(scripts / "fastscore", "tasks", cwd=tmp_path)
    assert re.search(r"^mini +108 ", listed, re.MULTILINE)


def test_the_source_distribution_builds_from_itself(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tracked = set(_run("git", "ls-files").splitlines()) if (ROOT / ".git").exists() else set()
    needed = {name for name in tracked if name.startswith(("csrc/", "python/", "tests/"))}
    assert needed <= names
    assert {"CMakeLists.txt", "pyproject.toml", "LICENSE", "README.md"} <= names
    strange = {n for n in names if n.startswith((".ci", ".github", ".venv", "build/", "dist/"))}
    assert not strange
    assert not [name for name in names if name.endswith((".so", ".pyc"))]


@pytest.mark.skipif(sys.platform != "linux", reason="reads an ELF file")
def test_the_extension_needs_no_llama_library() -> None:
    """llama.cpp is found at run time, in the copy that llama-cpp-python has loaded."""
    needed = _run("readelf", "--dynamic", str(_core.__file__))
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", needed)
    assert any(name.startswith(("libstdc++", "libc++")) for name in libraries)
    assert not [name for name in libraries if "llama" in name or "ggml" in name]
    assert "RPATH" not in needed
    assert "RUNPATH" not in needed


def test_versions_agree() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    declared = re.search(r'^version = "(.*)"$', text, re.MULTILINE)
    assert declared is not None
    assert fastscore.__version__ == version("fastscore-gguf") == declared[1]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{declared[1]}]" in changelog


def test_the_stubs_are_those_of_the_module() -> None:
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed; `make test` installs it")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--concise", "fastscore._core"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # pybind11 makes classes with a metaclass of its own, which no stub can name.
    wrong = [line for line in done.stdout.splitlines() if not line.endswith("metaclass differs")]
    assert done.stdout, done.stderr
    assert not wrong, "\n".join(wrong)


def test_the_version_command_names_all_that_takes_part() -> None:
    lines = _run(sys.executable, "-m", "fastscore", "--version").splitlines()
    named = dict(line.split(": ", 1) for line in lines)
    assert named["fastscore"] == version("fastscore-gguf")
    assert named["llama-cpp-python"] == version("llama-cpp-python")
    assert named["llama.cpp"]
    assert named["cpu features"] == " ".join(_core.cpu_features())
    assert named["kernel"] == _core.kernels()[0]
    assert named["backends"]
