"""How a module of fastscore is run in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

# ``-m`` and ``-c`` look for modules in the working directory first. Models are kept beside files of
# any origin, and a `json.py` among them is not to be run.
_START = """
import sys
if sys.path[:1] == [""]:
    del sys.path[0]
sys.path.append(sys.argv.pop(1))
import runpy
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def command(module: str) -> list[str]:
    """The command line that runs ``module``, wherever the caller works; arguments go behind it.

    What the caller's process imports fastscore from is searched last, as the caller may have found
    it by a path that its own program set.
    """
    return [sys.executable, "-c", _START, str(Path(__file__).parents[2]), module]
