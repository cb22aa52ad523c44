from __future__ import annotations

import pytest

from fastscore.sizes import counted, parameter_count


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "1"),
        (400, "400"),
        (75_400, "75K"),
        (134_515_008, "135M"),
        (999_900_000, "1.0B"),
        (1_711_376_384, "1.7B"),
        (9_960_000_000, "10B"),
        (70_553_706_496, "71B"),
        (1_030_000_000_000, "1.0T"),
    ],
)
def test_parameters_are_counted_as_models_are_named(n: int, said: str) -> None:
    assert parameter_count(n) == said


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 texts"), (1, "1 text"), (2, "2 texts"), (1234, "1,234 texts")]
)
def test_nouns_are_counted(n: int, said: str) -> None:
    assert counted(n, "text") == said
