"""Measure how far a candidate's distributions are from the base's: `divergence`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fastscore.distance.figures import TokenValues, figures
from fastscore.distance.prompts import Prompt
from fastscore.distance.values import Divergence, Positions
from fastscore.distance.windows import check_window, text_windows
from fastscore.errors import UsageError
from fastscore.machine import home_expanded
from fastscore.model import Model
from fastscore.progress import Meter, Progress
from fastscore.reporters import Reporter, make_reporter
from fastscore.sizes import counted
from fastscore.tokenise import EncodedRequests, encode_windows

# Text that is tokenised and planned at a time; what parts share is decoded once in each.
_PART_CHARACTERS = 16 * 2**20
# llama-perplexity gives no figures for fewer positions.
_FEW = 100
_NAME = "divergence"


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is to be read, and how it is called in the result."""

    source: str
    positions: Positions
    n_ctx: int | None
    n_texts: int
    parts: Callable[[], Iterator[EncodedRequests]]


def divergence(
    base: Model | str | Path,
    candidate: Model | str | Path,
    text: str | Path | Sequence[Prompt],
    *,
    n_ctx: int = 512,
    max_chunks: int | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Divergence:
    """Measure how far the candidate's next-token distributions are from the base's.

    Both models run over the same tokens in lock step, and their distributions are compared as they
    come: KL divergence, agreement on the most probable token, probability of the right token. On
    a text the figures are those of ``llama-perplexity --kl-divergence``, but for that program's
    rounding of the base's log-probabilities to 16 bits.

    Args:
        base: The model that is held to be right: open, or what `Model` opens.
        candidate: The model to compare with it; the same vocabulary. It may be the base itself.
        text: A text, the path of a text file (UTF-8; one line end at its end is left out, as
            llama-perplexity does), or several texts, each read on its own: every token but the
            first is compared, of a (context, continuation) pair those of the continuation. What
            texts have in common at their beginning is decoded once.
        n_ctx: Tokens of a window into which a single text is cut; its second half is compared.
        max_chunks: At most so many windows.
        progress: As in `evaluate`.

    Raises:
        UsageError: For vocabularies that differ, and texts that are too short.
        MemoryLimitError: Where both models' contexts would not fit.

    Tokens are those of the base's tokenizer. In a single text nothing is a special token, as in
    llama-perplexity; in several, and in pairs, what spells one is one, as in scoring.

    """
    if isinstance(text, (str, Path)):
        check_window(n_ctx, max_chunks)
    with ExitStack() as stack:
        one = _opened(base, stack)
        other = one if candidate is base else _opened(candidate, stack)
        reporter = make_reporter(progress)
        stack.callback(reporter.close)
        if isinstance(text, (str, Path)):
            reading = _whole_text(one, other, text, n_ctx, max_chunks)
        else:
            reading = _texts(one, other, text)
        return _measure(one, other, reading, reporter)


def _opened(model: Model | str | Path, stack: ExitStack) -> Model:
    return model if isinstance(model, Model) else stack.enter_context(Model(model))


def _whole_text(
    base: Model, candidate: Model, text: str | Path, n_ctx: int, max_chunks: int | None
) -> _Reading:
    longest = min(base.settings.max_length, candidate.settings.max_length)
    if n_ctx > longest:
        raise UsageError(
            f"n_ctx is {n_ctx}, and the models read texts of up to {longest} tokens; choose at "
            f"most {longest}"
        )
    content = read_text(text) if isinstance(text, Path) else text
    windows = text_windows(base.plain_ids(content), base.bos_in_front, n_ctx, max_chunks)
    source = text.name if isinstance(text, Path) else "text"
    return _Reading(
        source,
        "second half of each window",
        n_ctx,
        len(windows),
        lambda: iter([encode_windows(windows, longest)]),
    )


def read_text(file: Path) -> str:
    """Return a file's text without the line end at its end; UsageError where it is no UTF-8."""
    try:
        return home_expanded(file).read_bytes().decode("utf-8").removesuffix("\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file} is no UTF-8 text: byte {error.start} is {error.object[error.start]:#04x}; "
            "convert it first"
        ) from error


def _texts(base: Model, candidate: Model, texts: Sequence[Prompt]) -> _Reading:
    if not texts:
        raise UsageError("there is no text to compare the models on")
    longest = min(base.settings.max_length, candidate.settings.max_length)
    if base.settings.max_length != longest:
        raise UsageError(
            f"the base reads {base.settings.max_length} tokens and the candidate {longest}; open "
            f"both with n_ctx={longest}, so that texts are cut alike"
        )
    n_pairs = sum(not isinstance(text, str) for text in texts)
    positions: Positions = (
        "whole texts" if n_pairs == 0 else "continuations" if n_pairs == len(texts) else "mixed"
    )

    def parts() -> Iterator[EncodedRequests]:
        for part in _split(texts):
            pairs = [text for text in part if not isinstance(text, str)]
            if pairs:
                yield base.encode(pairs)
            whole = [base.tokenize(text) for text in part if isinstance(text, str)]
            if any(len(ids) > 1 for ids in whole):
                yield _every_position(whole, longest)

    return _Reading(counted(len(texts), "text"), positions, None, len(texts), parts)


def _every_position(texts: Sequence[Sequence[int]], longest: int) -> EncodedRequests:
    kept = [np.asarray(ids[-longest - 1 :], dtype=np.int32) for ids in texts if len(ids) > 1]
    requests = encode_windows([(ids[:1], ids[1:]) for ids in kept], longest)
    return replace(requests, n_truncated=sum(len(ids) > longest + 1 for ids in texts))


def _split(texts: Sequence[Prompt]) -> Iterator[list[Prompt]]:
    part: list[Prompt] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text) if isinstance(text, str) else sum(map(len, text))
        if size >= _PART_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part


def _measure(base: Model, candidate: Model, reading: _Reading, reporter: Reporter) -> Divergence:
    meter = Meter({_NAME: 0})
    found: list[TokenValues] = []
    seconds = dict.fromkeys(("plan", "base", "candidate", "compare"), 0.0)
    n_truncated = tokens = 0
    for requests in reading.parts():
        values, run = _compare(base, candidate, requests, meter, reporter)
        found.append(values)
        n_truncated += requests.n_truncated
        tokens += run.work.tokens
        for phase, spent in run.seconds.items():
            seconds[phase] += spent
    n = sum(len(values.kl) for values in found)
    if n == 0:
        raise UsageError("the texts have one token each, so there is none to predict; give longer")
    values = TokenValues(
        *(
            np.concatenate([getattr(one, name) for one in found])
            for name in ("kl", "base", "candidate", "same_top")
        )
    )
    computed: dict[str, Any] = figures(values)
    return Divergence(
        base=base.located.path.name,
        candidate=candidate.located.path.name,
        source=reading.source,
        positions=reading.positions,
        n=n,
        n_ctx=reading.n_ctx,
        n_texts=reading.n_texts,
        n_truncated=n_truncated,
        tokens_decoded=tokens,
        **computed,
        seconds=seconds,
        notes=tuple(_notes(base, candidate, n)),
    )


def _compare(
    base: Model, candidate: Model, requests: EncodedRequests, meter: Meter, reporter: Reporter
) -> tuple[TokenValues, Any]:
    run = base.lock_step(candidate, requests)
    meter.plan(_NAME, 0, run.work.tokens, all_new=False)
    begin = requests.continuation_offsets[:-1]
    n = int(requests.continuation_offsets[-1])
    values = TokenValues(
        np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.bool_)
    )
    meter.start()
    try:
        for done in run:
            at = begin[done.request] + done.step
            values.kl[at] = done.kl
            values.base[at] = done.base_logprob
            values.candidate[at] = done.candidate_logprob
            values.same_top[at] = done.same_top
            meter.advance(run.tokens_decoded)
            reporter.update(meter.now())
    finally:
        meter.stop()
    if np.isnan(values.kl).any():
        raise RuntimeError(f"{int(np.isnan(values.kl).sum())} tokens were left out by the plan")
    return values, run


def _notes(base: Model, candidate: Model, n: int) -> Iterator[str]:
    if n < _FEW:
        yield (
            f"There are only {counted(n, 'position')}; llama-perplexity gives no figures for fewer "
            f"than {_FEW}."
        )
    if base.settings.exact != candidate.settings.exact:
        yield (
            "Attention is computed in F32 for one model and in F16 for the other; pass exact= to "
            "both for the same."
        )
