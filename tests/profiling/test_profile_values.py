"""What can be asked of a profile."""

from __future__ import annotations

import math
import statistics

import pytest
from profile_example import example

from fastscore.profiling import Memory, Speed, Workload


@pytest.mark.parametrize(
    ("workload", "name"),
    [
        (Workload(512, 0), "pp512"),
        (Workload(0, 128), "tg128"),
        (Workload(512, 0, 4096), "pp512 @ d4096"),
        (Workload(0, 128, 2048, n_parallel=8), "8 x tg128 @ d2048"),
    ],
)
def test_names_are_llama_benchs(workload: Workload, name: str) -> None:
    assert workload.name == name


def test_mean_and_deviation_are_those_of_the_repetitions() -> None:
    speed = Speed(Workload(0, 128), (30.0, 34.0, 35.0))
    assert speed.tokens_per_second == pytest.approx(33.0)
    assert speed.stdev == pytest.approx(statistics.stdev([30, 34, 35]))
    assert math.isnan(Speed(Workload(0, 128), (30.0,)).stdev)


def test_headlines_are_one_sequence_in_an_empty_cache() -> None:
    profile = example()
    assert profile.prefill is profile["pp512"]
    assert profile.decode is profile["tg128"]
    only_deep = example(speeds=profile.speeds[2:])
    assert (only_deep.prefill, only_deep.decode) == (None, None)


def test_another_test_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no test 'pp1'; there are pp512, tg128, tg128 @ d1024"):
        example()["pp1"]


def test_bits_per_weight_are_those_llama_cpp_prints() -> None:
    # "print_info: file size = 92.10 MiB (5.74 BPW)" for this file
    assert example().bits_per_weight == pytest.approx(5.74, abs=0.005)


def test_the_cache_grows_by_layers_that_keep_everything() -> None:
    memory = Memory(None, None, 512, {}, {}, {}, {}, 100, 10, 50, 7)
    assert memory.cache_bytes(20) == 20 * 100 + 20 * 10 + 7
    assert memory.cache_bytes(1000) == 1000 * 100 + 50 * 10 + 7
