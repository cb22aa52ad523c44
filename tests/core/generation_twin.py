"""A slow, obvious engine that carries a generation schedule out.

Its memory is a dictionary from sequence id to the cells that the sequence holds, by position. A
token sees exactly what its sequence holds. Of a sliding-window cache the worst is assumed: every
cell that llama.cpp might recycle is lost at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fastscore import _core

Sample = tuple[int, int, int]  # prompt, max_tokens, tokens until it ends by itself
Token = int | tuple[str, int, int]  # of a prompt, or drawn: ("drawn", sample, number)


@dataclass(eq=False)
class Cell:
    """One token's keys and values, seen by the sequences that hold the cell."""

    token: Token
    lost: bool = False


@dataclass
class Outcome:
    """What a simulated run did."""

    drawn: list[int]  # tokens by sample
    prompt_histories: list[tuple[Token, ...]] = field(default_factory=list)
    most_tokens: int = 0
    most_cells: int = 0
    most_sequence: int = 0
    most_running: int = 0
    steps: int = 0
    n_repeated: int = 0
    n_prompt_tokens: int = 0
    n_minimal: int = 0


def order_of(prompts: list[list[int]], samples: list[Sample]) -> _core.PromptOrder:
    offsets = np.cumsum([0, *(len(prompt) for prompt in prompts)], dtype=np.int64)
    return _core.PromptOrder(
        np.asarray([token for prompt in prompts for token in prompt], dtype=np.int32),
        offsets,
        np.asarray([prompt for prompt, _, _ in samples], dtype=np.int32),
        np.asarray([most for _, most, _ in samples], dtype=np.int32),
    )


class Engine:
    """Carries steps out and fails where a real engine would go wrong."""

    def __init__(
        self, prompts: list[list[int]], samples: list[Sample], *, sharing: str, window: int
    ) -> None:
        self._prompts = prompts
        self._samples = samples
        self._whole = sharing == "state"
        self._window = window
        self._held: dict[int, list[Cell]] = {}
        self._rows: dict[int, tuple[Token, ...]] = {}
        self._drawn: list[list[Token]] = [[] for _ in samples]
        self._running: dict[int, int] = {}
        self.outcome = Outcome([])

    def run(self, schedule: _core.GenerationSchedule) -> Outcome:
        while not schedule.done:
            while started := schedule.start():
                for sample, seq, row in started:
                    self._start(schedule, sample, seq, row)
            if schedule.done:
                break
            step = schedule.next()
            assert step["n_tokens"] > 0, "nothing to decode, nothing to start: stuck"
            self._decode(step)
            for sample, seq, _ in step["continued"]:
                self._draw(schedule, sample, seq)
            self.outcome.steps += 1
        assert not self._running
        self.outcome.drawn = [len(tokens) for tokens in self._drawn]
        self.outcome.n_repeated = schedule.n_repeated
        self.outcome.n_prompt_tokens = schedule.n_prompt_tokens
        return self.outcome

    def _start(self, schedule: _core.GenerationSchedule, sample: int, seq: int, row: int) -> None:
        assert seq not in self._running
        assert not self._drawn[sample], "a sample starts once"
        assert self._rows[row] == tuple(self._prompts[self._samples[sample][0]])
        self._running[seq] = sample
        self.outcome.most_running = max(self.outcome.most_running, len(self._running))
        self._draw(schedule, sample, seq)

    def _draw(self, schedule: _core.GenerationSchedule, sample: int, seq: int) -> None:
        assert self._running[seq] == sample
        _, most, ends_after = self._samples[sample]
        drawn = self._drawn[sample]
        drawn.append(("drawn", sample, len(drawn)))
        if len(drawn) == min(most, ends_after):
            del self._running[seq]
            schedule.ended(seq)

    def _decode(self, step) -> None:  # type: ignore[no-untyped-def]
        for operation in step["memory"]:
            self._apply(*operation)
        n_tokens = 0
        for prompt, begin, end, seqs, row in step["chunks"]:
            assert len(seqs) == 1 or not self._whole
            ids = self._prompts[prompt]
            for position in range(begin, end):
                history = self._add(ids[position], position, seqs)
                assert history == tuple(ids[: position + 1])
                self.outcome.prompt_histories.append(history)
            n_tokens += end - begin
            if row >= 0:
                assert end == len(ids)
                self._rows[row] = history
        assert sorted(seq for _, seq, _ in step["continued"]) == sorted(self._running)
        for sample, seq, position in step["continued"]:
            assert self._running[seq] == sample
            drawn = self._drawn[sample]
            history = self._add(drawn[-1], position, [seq])
            assert history == (*self._prompts[self._samples[sample][0]], *drawn)
            n_tokens += 1
        assert n_tokens == step["n_tokens"]
        self._recycle()
        self.outcome.most_tokens = max(self.outcome.most_tokens, n_tokens)
        cells = {id(cell) for cells in self._held.values() for cell in cells}
        self.outcome.most_cells = max(self.outcome.most_cells, len(cells))

    def _add(self, token: Token, position: int, seqs: list[int]) -> tuple[Token, ...]:
        """Decode a token into all of ``seqs``; returns all that it follows, itself included."""
        cell = Cell(token)
        histories = set()
        assert len(set(seqs)) == len(seqs)
        for seq in seqs:
            held = self._held.setdefault(seq, [])
            assert len(held) == position, "a token must follow what its sequence holds"
            held.append(cell)
            seen = held[-self._window :]
            assert not any(one.lost for one in seen), "its window must still be there"
            histories.add(tuple(one.token for one in held))
            self.outcome.most_sequence = max(self.outcome.most_sequence, seq)
        (history,) = histories  # sequences that share a token have one history
        return history

    def _recycle(self) -> None:
        """Lose what belongs to one sequence and lies outside of its window."""
        owners: dict[int, int] = {}
        for held in self._held.values():
            for cell in held:
                owners[id(cell)] = owners.get(id(cell), 0) + 1
        for held in self._held.values():
            for cell in held[: max(0, len(held) - self._window + 1)]:
                cell.lost = cell.lost or owners[id(cell)] == 1

    def _apply(self, operation: str, seq: int, to: int, end: int) -> None:
        if operation == "clear":
            self._held.clear()
        elif operation == "remove":
            self._held.pop(seq, None)
        elif operation == "trim":
            assert not self._whole
            assert 0 < end <= len(self._held[seq])
            del self._held[seq][end:]
        elif operation == "copy":
            assert to not in self._held, "a copy must not mix with what the target holds"
            source = self._held[seq]
            assert end < 0 or (end <= len(source) and not self._whole)
            self._held[to] = list(source if end < 0 else source[:end])
        else:
            raise AssertionError(f"unknown operation {operation}")


def prefixes(prompts: list[list[int]], samples: list[Sample]) -> set[tuple[int, ...]]:
    """Every prefix of a prompt that has samples: one for each token of the trie."""
    wanted = [prompts[i] for i in {prompt for prompt, _, _ in samples}]
    return {tuple(ids[: n + 1]) for ids in wanted for n in range(len(ids))}
