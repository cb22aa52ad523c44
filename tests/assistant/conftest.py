"""Assistants on tiny models."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastscore.assistant import Assistant
from models.broken import spoil_token
from models.fixtures import TinyModel
from models.vocab import CHAT_TEMPLATE

OpenAssistant = Callable[..., Assistant]


@pytest.fixture(scope="session")
def open_assistant(tiny_model: TinyModel) -> Iterator[OpenAssistant]:
    """``open_assistant(family, chat_template=..., **options of Assistant)``, closed at the end."""
    opened: list[Assistant] = []

    def open_one(
        family: str = "llama", chat_template: str | None = CHAT_TEMPLATE, **options: Any
    ) -> Assistant:
        path = tiny_model(family, n_ctx_train=2048, chat_template=chat_template, add_bos=True)
        opened.append(Assistant(path, n_threads=1, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def blind_to_rivers(
    open_assistant: OpenAssistant, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of `assistant`'s file whose logits are NaN after the word " river"."""
    sound = open_assistant().model
    *_, river = sound.plain_ids("the river")
    assert sound.pieces([river]) == [b" river"]
    path = Path(shutil.copy(sound.info.path, tmp_path_factory.mktemp("blind")))
    spoil_token(path, river)
    return path


@pytest.fixture(scope="session")
def assistant(open_assistant: OpenAssistant) -> Assistant:
    return open_assistant()
