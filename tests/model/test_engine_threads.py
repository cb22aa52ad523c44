"""Who asks does not matter: calls of llama.cpp are made on threads of the engine's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.fixtures import TinyModel

from .open_each import TESTS


def _said_by(code: str, *paths: Path) -> object:
    """Run a script in a process of its own, where nothing has computed yet; what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, paths)],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


MANY_ASK = """
import json, sys, threading
from fastscore import Model, _core
from fastscore.embedding import Embedder

def work():
    with Model(sys.argv[1], n_threads=2) as model, Embedder(sys.argv[2], n_threads=2) as embedder:
        model.loglikelihood([("the", " sun")])
        model.generate(["the"], max_tokens=3)
        embedder.embed(["the sun"])

work()
for _ in range(3):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
print(json.dumps(_core.n_engine_threads()))
"""


def test_threads_that_take_turns_share_one_engine_thread(tiny_model: TinyModel) -> None:
    # Each thread that llama.cpp computes on keeps OpenMP's workers, and those of several such
    # threads slow one another down.
    assert _said_by(MANY_ASK, tiny_model("mamba"), tiny_model("embedder")) == 1


FORKED = """
import json, os, sys
from fastscore import Model

pairs = [("the", " sun"), ("the", " moon rises")]
with Model(sys.argv[1], n_threads=2) as model:
    before = [one.logprob for one in model.loglikelihood(pairs)]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        found = [one.logprob for one in model.loglikelihood(pairs)]
        os.write(writer, json.dumps(found).encode())
        os._exit(0)
    os.waitpid(child, 0)
    after = [one.logprob for one in model.loglikelihood(pairs)]
print(json.dumps([before, json.loads(os.read(reader, 1000)), after]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_scores_with_a_model_that_its_parent_used(tiny_model: TinyModel) -> None:
    before, in_child, after = _said_by(FORKED, tiny_model("llama"))  # type: ignore[misc]
    assert in_child == before == after


DROPPED = """
import json, os, signal, sys
from fastscore import Model

pairs = [(f"the {i}", " sun") for i in range(100)]  # enough for the pool to share
model = Model(sys.argv[1], n_threads=3)
model.encode(pairs)
child = os.fork()
if child == 0:
    signal.alarm(20)
    found = model.encode(pairs).n
    model.close()
    del model
    os._exit(found)
print(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_drops_its_parents_model(tiny_model: TinyModel) -> None:
    assert _said_by(DROPPED, tiny_model("llama")) == 100
