"""A GGUF embedding model behind both of RAGAs' interfaces."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastscore.embedding import Embedder
from fastscore.integrations.missing import missing_tool
from fastscore.settings import refuse_options

try:
    from ragas.embeddings.base import BaseRagasEmbedding
except ImportError as error:
    raise missing_tool("RAGAs", "ragas", error) from error


class FastscoreRagasEmbeddings(BaseRagasEmbedding):  # type: ignore[misc]
    """A GGUF embedding model for RAGAs' metrics, classic and collections.

    Parameters
    ----------
    model
        A GGUF file, ``"hf://owner/repo/file.gguf"``, or an open `fastscore.embedding.Embedder`,
        which stays the caller's to close.
    **options
        As for `Embedder`: ``n_threads``, ``truncate``, ...

    Raises
    ------
    UsageError, ModelError, MemoryLimitError, EngineMismatchError

    """

    def __init__(self, model: Embedder | str | Path, **options: Any) -> None:
        super().__init__()
        if isinstance(model, Embedder):
            refuse_options(options, "an embedder", "Embedder")
        self._owned = not isinstance(model, Embedder)
        self.embedder = model if isinstance(model, Embedder) else Embedder(model, **options)

    def embed_text(self, text: str, **kwargs: Any) -> list[float]:
        """Return the vector of a text."""
        return self.embed_texts([text])[0]

    def embed_texts(self, texts: Sequence[str], **kwargs: Any) -> list[list[float]]:
        """Return a vector a text."""
        return self.embedder.embed(texts).tolist()  # type: ignore[no-any-return]

    async def aembed_text(self, text: str, **kwargs: Any) -> list[float]:
        """As `embed_text`, in a thread."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: Sequence[str], **kwargs: Any) -> list[list[float]]:
        """As `embed_texts`, in a thread."""
        return await asyncio.to_thread(self.embed_texts, texts)

    # The names that the classic metrics ask by.
    embed_query = embed_text
    embed_documents = embed_texts
    aembed_query = aembed_text
    aembed_documents = aembed_texts

    def close(self) -> None:
        """Free the model unless the caller opened it."""
        if self._owned:
            self.embedder.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.embedder!r})"
