"""Small, real vocabularies: byte-level BPE (as GPT-2), SPM (as Llama 1 and Gemma), words (as BERT).

They are learned here from a short English text, so that words, parts of words and single bytes
all occur, as in a vocabulary of a hundred thousand tokens.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from gguf import GGUFWriter, TokenType

TEXT = """
The river rises in the hills and runs to the sea. In spring the snow melts and the water is high;
in summer the stones can be seen. A man who lives near the river knows where the fish sleep and when
the birds return. Question: Which of these is a source of energy for plants? Answer: the light of
the sun. Question: What is the best reason to wear a coat? Answer: to keep warm. She puts the cup on
the table, then she opens the window and looks at the garden. The children are playing with a ball.
Which of the following statements is true? The earth turns around the sun once a year. Water boils
at a hundred degrees. There is no reason to believe that the moon is made of cheese.
"""

BOS, EOS, TURN_START, TURN_END = "<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (BOS, EOS, TURN_START, TURN_END)

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

# GPT-2's pre-tokenizer, without the Unicode classes that a text in ASCII does not need.
_WORDS = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


@dataclass(frozen=True)
class Vocab:
    """What the tokenizer part of a GGUF file says; ``scores`` only for SPM, ``merges`` for BPE."""

    model: str  # value of tokenizer.ggml.model
    tokens: list[str]
    types: list[int]
    merges: list[str]
    scores: list[float]
    bos: int
    eos: int


def byte_to_char() -> dict[int, str]:
    """GPT-2's printable stand-in for every byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = (b for b in range(256) if b not in set(printable))
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}


def learn_merges(words: Counter[tuple[str, ...]], count: int) -> list[tuple[str, str]]:
    """Byte-pair encoding: join the most frequent pair, again and again; ties go by spelling."""
    merges: list[tuple[str, str]] = []
    while len(merges) < count:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, n in words.items():
            for pair in pairwise(word):
                pairs[pair] += n
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        joined: Counter[tuple[str, ...]] = Counter()
        for word, n in words.items():
            joined[_join(word, best)] += n
        words = joined
    return merges


def _join(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    for piece in word:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return tuple(out)


@cache
def bpe_vocab(n_merges: int = 140) -> Vocab:
    """Four special tokens, 256 bytes, then one token a merge: 400 tokens by default."""
    chars = byte_to_char()
    words = Counter(
        tuple(chars[b] for b in word.encode()) for word in _WORDS.findall(TEXT.replace("\n", " "))
    )
    merges = learn_merges(words, n_merges)
    tokens = [*SPECIALS, *(chars[b] for b in range(256)), *(a + b for a, b in merges)]
    types = [TokenType.CONTROL] * len(SPECIALS) + [TokenType.NORMAL] * (256 + len(merges))
    return Vocab(
        "gpt2", tokens, [int(t) for t in types], [f"{a} {b}" for a, b in merges], [], bos=0, eos=1
    )


@cache
def spm_vocab(n_merges: int = 140) -> Vocab:
    """Unknown, BOS, EOS, chat markers, 256 byte tokens, letters, then pieces, the best first."""
    words = Counter(tuple("▁" + word) for word in TEXT.split())
    letters = sorted({letter for word in words for letter in word})
    merges = learn_merges(words, n_merges)
    tokens = ["<unk>", *SPECIALS, *(f"<0x{b:02X}>" for b in range(256))]
    types = [TokenType.UNKNOWN] + [TokenType.CONTROL] * len(SPECIALS) + [TokenType.BYTE] * 256
    scores = [0.0] * len(tokens)
    # SPM joins the pair whose piece scores highest: earlier merges score higher, letters lowest.
    pieces = [a + b for a, b in merges]
    tokens += letters + pieces
    types += [TokenType.NORMAL] * (len(letters) + len(pieces))
    scores += [-1e3 - i for i in range(len(letters))] + [-1.0 - i for i in range(len(pieces))]
    return Vocab("llama", tokens, [int(t) for t in types], [], scores, bos=1, eos=2)


@cache
def wpm_vocab() -> Vocab:
    """BERT's special tokens, then all words of the text and all letters, in lower case."""
    words = sorted(set(re.findall(r"[a-z]+|[^a-z\s]", TEXT.lower())))
    letters = sorted(set("".join(words)))
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*specials, *(f"▁{word}" for word in words), *letters]
    types = [TokenType.CONTROL] * len(specials) + [TokenType.NORMAL] * (len(words) + len(letters))
    return Vocab("bert", tokens, [int(t) for t in types], [], [], bos=2, eos=3)


def add_vocab(
    writer: GGUFWriter, vocab: Vocab, *, n_vocab: int, add_bos: bool, chat_template: str | None
) -> None:
    """Write the vocabulary, filled up to ``n_vocab`` with unused tokens."""
    filler = n_vocab - len(vocab.tokens)
    writer.add_tokenizer_model(vocab.model)
    if vocab.model == "gpt2":
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_merges(vocab.merges)
    elif vocab.model == "bert":
        writer.add_unk_token_id(1)
        writer.add_sep_token_id(vocab.eos)
        writer.add_pad_token_id(0)
        writer.add_mask_token_id(4)
    else:
        writer.add_token_scores(vocab.scores + [-1e4] * filler)
        writer.add_unk_token_id(0)
    writer.add_token_list(vocab.tokens + [f"<unused{i}>" for i in range(filler)])
    writer.add_token_types(vocab.types + [int(TokenType.UNUSED)] * filler)
    writer.add_bos_token_id(vocab.bos)
    writer.add_eos_token_id(vocab.eos)
    writer.add_add_bos_token(add_bos)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
