"""``write_tiny``: a small GGUF file with random weights, for any kind of model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gguf import GGUFWriter, LlamaFileType

from . import families, recurrent, refused
from .blocks import Build, Options
from .vocab import Vocab, add_vocab, bpe_vocab, spm_vocab, wpm_vocab
from .weights import Weights


@dataclass(frozen=True)
class Family:
    """How a kind of model is written, and what kind of memory llama.cpp gives it."""

    arch: str  # general.architecture
    build: Build
    memory: str  # "attention", "window", "recurrent", "hybrid" or "none"
    spm: bool = False
    wpm: bool = False

    @property
    def words(self) -> Vocab:
        """The vocabulary that such models have."""
        if self.wpm:
            return wpm_vocab()
        return spm_vocab() if self.spm else bpe_vocab()


FAMILIES: dict[str, Family] = {
    "llama": Family("llama", families.llama, "attention"),
    "llama_spm": Family("llama", families.llama, "attention", spm=True),
    "mixtral": Family("llama", families.mixtral, "attention"),
    "qwen2": Family("qwen2", families.qwen2, "attention"),
    "qwen3": Family("qwen3", families.qwen3, "attention"),
    "qwen3moe": Family("qwen3moe", families.qwen3moe, "attention"),
    "gpt2": Family("gpt2", families.gpt2, "attention"),
    "gptneox": Family("gptneox", families.gptneox, "attention"),
    "gemma2": Family("gemma2", families.gemma2, "window", spm=True),
    "gemma3": Family("gemma3", families.gemma3, "window", spm=True),
    "gemma3_window_only": Family("gemma3", families.gemma3_window_only, "window", spm=True),
    "mamba": Family("mamba", recurrent.mamba, "recurrent"),
    "mamba2": Family("mamba2", recurrent.mamba2, "recurrent"),
    "rwkv7": Family("rwkv7", recurrent.rwkv7, "recurrent"),
    "lfm2": Family("lfm2", recurrent.lfm2, "hybrid"),
    "granitehybrid": Family("granitehybrid", recurrent.granitehybrid, "hybrid"),
}

# Families whose texts may be longer than those they were first trained with.
EXTENDED: dict[str, Family] = {
    "longrope": Family("llama", families.longrope, "attention"),
    "yarn": Family("llama", families.yarn, "attention"),
}

# These load and must be refused.
REFUSED: dict[str, Family] = {
    "bert": Family("bert", refused.bert, "none"),
    "bert_wpm": Family("bert", refused.bert, "none", wpm=True),
    "t5": Family("t5", refused.t5, "none"),
    "embedder": Family("qwen3", refused.embedder, "attention"),
}


def write_tiny(
    family: str,
    path: Path,
    seed: int = 0,
    *,
    vocab: bool = True,
    n_vocab: int | None = None,
    n_ctx_train: int = 256,
    window: int = 16,
    n_ctx_original: int = 64,
    add_bos: bool | None = None,
    chat_template: str | None = None,
    half: bool = False,
    arch: str | None = None,
) -> Path:
    """Write a tiny model with random weights and return ``path``.

    Args:
        family: A key of ``FAMILIES``, ``EXTENDED`` or ``REFUSED``.
        path: The file to write.
        seed: Same seed, same file.
        vocab: False leaves the tokenizer out (``tokenizer.ggml.model`` = "none").
        n_vocab: Tokens in the vocabulary, filled up with unused ones; default as few as there are.
        n_ctx_train: Training length in tokens.
        window: Sliding window in tokens, for the families that have one.
        n_ctx_original: Training length in tokens before it was extended.
        add_bos: Whether the tokenizer puts BOS first; default as usual: SPM yes, BPE no.
        chat_template: A Jinja template to store.
        half: Matrices in F16 instead of F32.
        arch: Another ``general.architecture`` than the family's.
    """
    chosen = (FAMILIES | EXTENDED | REFUSED)[family]
    words = chosen.words
    n_vocab = len(words.tokens) if n_vocab is None else n_vocab
    if n_vocab < len(words.tokens):
        raise ValueError(f"n_vocab is {n_vocab}, but the vocabulary has {len(words.tokens)} tokens")

    writer = GGUFWriter(path, arch or chosen.arch)
    writer.add_name(f"tiny {family}")
    writer.add_file_type(LlamaFileType.MOSTLY_F16 if half else LlamaFileType.ALL_F32)
    options = Options(n_vocab, n_ctx_train, window, n_ctx_original)
    chosen.build(writer, Weights(writer, seed, half=half), options)
    if vocab:
        bos = chosen.spm if add_bos is None else add_bos
        add_vocab(writer, words, n_vocab=n_vocab, add_bos=bos, chat_template=chat_template)
    else:
        writer.add_tokenizer_model("none")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
