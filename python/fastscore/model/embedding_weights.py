"""A model file opened for embeddings: encoders are welcome, and texts get their frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fastscore.errors import ModelError
from fastscore.model.metadata import Metadata
from fastscore.model.weights import Weights
from fastscore.tokenise import Ids

# llama_pooling_type; it ends the process on numbers that it does not know.
_NONE, _MEAN, _RANK = 0, 1, 4
POOLINGS = {_MEAN: "mean", 2: "cls", 3: "last"}
"""How the vectors of a text's tokens become one, by llama.cpp's number."""

_WORD_PIECES = 3  # LLAMA_VOCAB_TYPE_WPM


class EmbeddingWeights(Weights):
    """Weights of a model whose outputs are pooled to one vector a text.

    ``pooling`` is a key of `POOLINGS`; ``pooling_named`` says whether the file names it. Where it
    names none, the mean is taken.
    """

    def _check_use(self, metadata: Metadata, path: Path) -> None:
        architecture = metadata.get("general.architecture") or "unknown"
        key = f"{architecture}.pooling_type"
        named = metadata.integer(key, _NONE)
        why = None
        if self._api.llama_model_has_encoder(self._model):
            why = f"is an encoder-decoder model (architecture {architecture}), which has none"
        elif self._api.llama_model_is_diffusion(self._model):
            why = f"is a diffusion language model (architecture {architecture}), which has none"
        elif named == _RANK:
            why = "is a reranker, which scores pairs of texts"
        elif named != _NONE and named not in POOLINGS:
            why = f"pools its outputs in a way that llama.cpp does not know ({key} is {named})"
        if why is not None:
            raise ModelError(
                f"{path} {why}; embeddings need an embedding model, or at least a model that reads "
                "a text from its beginning"
            )
        if not self.has_vocabulary:
            raise ModelError(
                f"{path} holds no tokenizer, and texts cannot be embedded without; convert the "
                "model anew with its vocabulary"
            )
        self.pooling = named if named in POOLINGS else _MEAN
        self.pooling_named = named in POOLINGS

    @property
    def n_dims(self) -> int:
        """Numbers in an embedding."""
        return int(self._api.llama_model_n_embd_out(self.pointer))

    def frame(self) -> tuple[Ids, Ids]:
        """What the model was trained to see before and after a text, such as CLS and SEP.

        Raises ModelError where the file wants a token that it does not name; llama.cpp would end
        the process.
        """
        vocab = self._api.llama_model_get_vocab(self.pointer)
        if self._api.llama_vocab_type(vocab) == _WORD_PIECES:
            sep = self._api.llama_vocab_sep(vocab)
            front = [("cls", self.info.bos)]
            back = [("sep", sep if 0 <= sep < self.info.n_vocab else None)]
        else:
            front = [("bos", self.info.bos)] if self.info.add_bos else []
            add_eos = self._api.llama_vocab_get_add_eos(vocab)
            back = [("eos", self.info.eos)] if add_eos else []
        return self._ids(front), self._ids(back)

    def _ids(self, tokens: list[tuple[str, int | None]]) -> Ids:
        for name, token in tokens:
            if token is None:
                raise ModelError(
                    f"{self.info.path} wants {name.upper()} around every text and does not say "
                    f"which token that is (tokenizer.ggml.{name}_token_id); convert the model anew"
                )
        return np.array([token for _, token in tokens], dtype=np.int32)
