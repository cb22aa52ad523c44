"""Generated texts in the store: found by what they came from, whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastscore.storage import generation_store as module
from fastscore.storage.block_store import space_key
from fastscore.storage.generation_store import GenerationStore, PromptDigest, generation_space
from fastscore.types import Generation, Sampling

WARM = Sampling(temperature=0.8, top_p=0.95, seed=7)


def digest(n: int) -> bytes:
    return PromptDigest([1, 2, n], WARM, ("\n",), 64).sample(0)


def text(n: int) -> Generation:
    return Generation(f"text {n} with 'quotes', \u2028 and \U0001f600" * (n % 3), "stop", 3, n, 0.5)


def open_store(path: Path, **options: object) -> GenerationStore:
    given = {"space": b"s" * 16, "label": "tiny", "notify": pytest.fail, **options}
    return GenerationStore(path, **given)


def test_gives_back_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        for n in range(10):
            store.put(digest(n), text(n))
    with open_store(path) as store:
        found = store.lookup([digest(n) for n in (3, 99, 1)])
    assert found == [text(3), None, text(1)]


@given(st.text(), st.sampled_from(["stop", "eos", "length"]), st.floats(0, 1e6))
@settings(max_examples=30, deadline=None)
def test_any_text_comes_back(
    tmp_path_factory: pytest.TempPathFactory, written: str, reason: str, seconds: float
) -> None:
    one = Generation(written, reason, 1, 2, seconds)  # type: ignore[arg-type]
    with open_store(tmp_path_factory.mktemp("store") / "store.sqlite") as store:
        store.put(digest(0), one)
        store.flush()
        assert store.lookup([digest(0)]) == [one]


def test_what_decides_the_text_decides_the_digest() -> None:
    def name(ids: object = (1, 2), rule: Sampling = WARM, number: int = 0, **rest: object) -> bytes:
        given = {"stop": ("\n",), "max_tokens": 64, **rest}
        return PromptDigest(ids, rule, **given).sample(number)  # type: ignore[arg-type]

    others = [
        name((1, 3)), name((1, 2, 3)), name(number=1), name(stop=()), name(stop=("\n", "x")),
        name(max_tokens=65), name(grammar='root ::= "a"'),
        *(name(rule=replace(WARM, **change)) for change in (
            {"temperature": 0.7}, {"top_k": 5}, {"top_p": 0.9}, {"min_p": 0.1},
            {"repeat_penalty": 1.1}, {"seed": 8},
        )),
    ]  # fmt: skip
    assert len({name(), *others}) == len(others) + 1
    assert name() == name([1, 2], stop=["\n"])


def test_greedy_texts_do_not_depend_on_what_greedy_ignores() -> None:
    def name(**rule: float) -> bytes:
        return PromptDigest([1], Sampling(**rule), (), 9).sample(0)  # type: ignore[arg-type]

    assert name() == name(seed=5) == name(top_k=3, top_p=0.5)
    assert name() != name(repeat_penalty=1.2)


def test_texts_and_likelihoods_do_not_mix() -> None:
    assert generation_space("a", {}, "1") != space_key("a", {}, "1")


def test_replaced_texts_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MERGED_BYTES", 500)  # several blocks
    path = tmp_path / "store.sqlite"
    for turn in range(8):
        with open_store(path, resume=False) as store:
            for n in range(50):
                store.put(digest(n), replace(text(n), seconds=float(turn)))
    with closing(sqlite3.connect(path)) as connection:
        (stored,) = connection.execute("SELECT sum(length(records)) FROM block").fetchone()
    with open_store(path) as store:
        found = store.lookup([digest(n) for n in range(50)])
    assert found == [replace(text(n), seconds=7.0) for n in range(50)]
    assert stored < 2 * 50 * 200


def test_a_store_that_cannot_be_kept_takes_and_knows_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    with open_store(tmp_path / "file" / "store.sqlite", notify=said.append) as store:
        store.put(digest(0), text(0))
        assert store.lookup([digest(0)]) == [None]
    assert len(said) == 1
