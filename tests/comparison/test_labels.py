from __future__ import annotations

import pytest

from fastscore.comparison.labels import ModelName, label_models


@pytest.mark.parametrize(
    ("models", "labels"),
    [
        ([("/m/native.gguf", "Q4_1"), ("/m/Q8_0.gguf", "Q8_0")], ["native", "Q8_0"]),
        ([("demo", ""), ("x/M.Q8_0.gguf", "")], ["demo", "M.Q8_0"]),
        ([("/a/m.gguf", "Q4_0"), ("/b/m.gguf", "Q8_0")], ["m-Q4_0", "m-Q8_0"]),
        ([("/a/m.gguf", "Q8_0"), ("/b/m.gguf", "Q8_0")], ["a/m", "b/m"]),
        ([("C:\\a\\m.gguf", ""), ("C:\\b\\m.gguf", "")], ["a/m", "b/m"]),
        ([("/a/m.gguf", "Q8_0"), ("/a/m.gguf", "Q8_0")], ["m", "m-2"]),
        ([("/a/M.gguf", "Q8_0"), ("/a/m.gguf", "Q8_0")], ["M", "m-2"]),
        (
            [("/a/x.gguf", ""), ("/a/m.gguf", "F16"), ("/b/m.gguf", "Q2_K")],
            ["x", "m-F16", "m-Q2_K"],
        ),
        ([(".gguf", ""), ("", "")], ["model", "model-2"]),
    ],
)
def test_labels_are_the_shortest_names_that_differ(
    models: list[tuple[str, str]], labels: list[str]
) -> None:
    found = label_models([ModelName(*model) for model in models])
    assert found == labels
    assert len({label.casefold() for label in found}) == len(found)
