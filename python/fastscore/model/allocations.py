"""What llama.cpp allocated and where, as its log says when it loads a model and makes a context.

There is no function that would tell. Sizes are printed in MiB with two decimals, so a size is
known to some 5 kB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_MIB = 1 << 20
_BUFFER = re.compile(
    r":\s+(?P<where>\S.*?)\s+(?P<what>model|KV|RS|output|compute) buffer size\s*=\s*"
    r"(?P<mib>[0-9.]+) MiB"
)
_CACHE = re.compile(
    r":\s+size\s*=\s*(?P<mib>[0-9.]+) MiB \(\s*(?P<cells>\d+) cells,\s*(?P<layers>\d+) layers,"
    r"\s*\d+/\d+ seqs\)"
)
_DEVICE = re.compile(r"using device (?P<name>\S+) \((?P<description>.*?)\) \(")
_WINDOWED = re.compile(r"creating\s+(?P<which>non-SWA|SWA) KV cache")
_OFFLOADED = re.compile(r"offloaded (?P<n>\d+)/(?P<of>\d+) layers to GPU")


@dataclass(frozen=True, slots=True)
class Cache:
    """The KV cache of ``n_layers`` layers, bytes of all of it; ``windowed``: it slides."""

    n_bytes: int
    n_cells: int
    n_layers: int
    windowed: bool


@dataclass(frozen=True)
class Allocations:
    """Bytes by the name of the buffer (``CPU``, ``CPU_REPACK``, ``CUDA0``), by what they are for.

    ``devices`` are those that layers were given to, empty on a CPU alone; ``offloaded`` how many
    layers, and of how many, None where the log does not say.
    """

    weights: dict[str, int] = field(default_factory=dict)
    kv: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    compute: dict[str, int] = field(default_factory=dict)
    caches: tuple[Cache, ...] = ()
    devices: tuple[str, ...] = ()
    offloaded: tuple[int, int] | None = None


def allocations(log: Iterable[str]) -> Allocations:
    """Read what a log says; ``log`` is the lines since before the model was loaded."""
    found = Allocations()
    by_kind = {
        "model": found.weights,
        "KV": found.kv,
        "RS": found.states,
        "compute": found.compute,
        "output": found.compute,
    }
    caches: list[Cache] = []
    devices: list[str] = []
    offloaded = None
    windowed = False
    for line in log:
        if match := _BUFFER.search(line):
            sizes, where = by_kind[match["what"]], match["where"]
            sizes[where] = sizes.get(where, 0) + _bytes(match["mib"])
        elif match := _CACHE.search(line):
            caches.append(
                Cache(_bytes(match["mib"]), int(match["cells"]), int(match["layers"]), windowed)
            )
        elif match := _WINDOWED.search(line):
            windowed = match["which"] == "SWA"
        elif match := _DEVICE.search(line):
            devices.append(f"{match['name']} ({match['description']})")
        elif match := _OFFLOADED.search(line):
            offloaded = int(match["n"]), int(match["of"])
    return Allocations(
        found.weights,
        found.kv,
        found.states,
        found.compute,
        tuple(caches),
        tuple(dict.fromkeys(devices)),
        offloaded,
    )


def _bytes(mib: str) -> int:
    return round(float(mib) * _MIB)
