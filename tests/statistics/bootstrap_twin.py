"""The bootstrap of csrc/stats/bootstrap.h, a draw at a time, in Python's own integers."""

from __future__ import annotations

from collections.abc import Sequence

WORD = 2**64
STRIDE = 0x9E3779B97F4A7C15


def mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


class Replicate:
    """The random numbers of one replicate of a seed."""

    def __init__(self, seed: int, number: int) -> None:
        self.start = mix(seed) + number * 2**32 * STRIDE
        self.redraws = 2**31

    def word(self, i: int) -> int:
        return mix((self.start + (i + 1) * STRIDE) % WORD)

    def index(self, i: int, n: int) -> int:
        """Draw number ``i``, to be asked for in ascending order: an index below ``n``."""
        bits = 16 if n <= 4096 else 32
        fields = 64 // bits
        field = self.word(i // fields) >> (i % fields * bits) & (2**bits - 1)
        while field * n % 2**bits < 2**bits % n:
            field, bits = self.word(self.redraws) >> 32, 32
            self.redraws += 1
        return field * n >> bits


def means(values: Sequence[float], seed: int, first: int, n_replicates: int) -> list[float]:
    n = len(values)
    found = []
    for number in range(first, first + n_replicates):
        replicate = Replicate(seed, number)
        sums = [0.0] * 8
        for i in range(n):
            sums[i % 8] += values[replicate.index(i, n)]
        a, b, c, d, e, f, g, h = sums
        found.append((((a + b) + (c + d)) + ((e + f) + (g + h))) / n)
    return found
