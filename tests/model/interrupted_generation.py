"""Write for long, be interrupted, and say how far it came: for a process of its own.

Run as ``python -m model.interrupted_generation MODEL`` from the folder of the tests; writes a line
when the first step is done, and a line of JSON at the end.
"""

from __future__ import annotations

import json
import sys

from fastscore.model import GenerationRequest, Model

_N, _MAX = 2000, 100


def main(path: str) -> None:
    with Model(path, n_threads=1, n_batch=32, exact=True) as model:
        before = [one.text for [one] in model.generate(["the sun", "water"], max_tokens=9)]
        run = model.generating(
            [GenerationRequest(f"{i} the river", max_tokens=_MAX) for i in range(_N)]
        )
        steps = 0
        try:
            for _ in run:
                steps += 1
                if steps == 1:
                    print("started", flush=True)
        except KeyboardInterrupt:
            after = [one.text for [one] in model.generate(["the sun", "water"], max_tokens=9)]
            said = {"generated": run.tokens_generated, "of": _N * _MAX, "usable": after == before}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
