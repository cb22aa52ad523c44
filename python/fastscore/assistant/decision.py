"""Which of several answers a model holds to be the right one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastscore.errors import DecodeError, UsageError
from fastscore.metrics import shares
from fastscore.model.arguments import half_pair


@dataclass(frozen=True, slots=True)
class Decision:
    """What a model says of the answers it may choose from.

    ``logprobs`` are natural log-likelihoods of each whole answer after the prompt, its end
    included; ``probabilities`` are those of the options when it is one of them: the softmax of
    ``logprobs``, of sum 1.
    """

    options: tuple[str, ...]
    logprobs: tuple[float, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def between(cls, options: Sequence[str], logprobs: Sequence[float]) -> Decision:
        """Weigh options by their log-likelihoods; DecodeError where these say nothing."""
        are_numbers = not any(map(math.isnan, logprobs)) and max(logprobs) < math.inf
        probabilities = shares(logprobs) if are_numbers else None
        if probabilities is None:
            raise DecodeError(
                f"the log-likelihoods of the options {list(options)!r:.200} are {list(logprobs)}, "
                "of which no probabilities can be made; the model's weights may be damaged"
            )
        return cls(tuple(options), tuple(logprobs), probabilities)

    @property
    def index(self) -> int:
        """Number of the most probable option, the first of equals."""
        return self.logprobs.index(max(self.logprobs))

    @property
    def choice(self) -> str:
        """The most probable option."""
        return self.options[self.index]

    def probability(self, option: str) -> float:
        """Probability of one of the options; UsageError for another text."""
        if option not in self.options:
            raise UsageError(f"{option!r:.60} is none of the options {list(self.options)!r:.200}")
        return self.probabilities[self.options.index(option)]


def check_options(options: Sequence[str]) -> tuple[str, ...]:
    """Return the options; UsageError for what is no list of two or more different texts."""
    if isinstance(options, (str, bytes)):
        raise UsageError(f'options is one text, {options!r:.60}; write options=["...", "..."]')
    taken = tuple(options)
    for option in taken:
        if not isinstance(option, str) or not option.strip():
            raise UsageError(f"an option is {option!r:.60}; each is a text that is not empty")
        if half_pair(option):
            raise UsageError(f"an option is {option!r:.60}, with half of a UTF-16 pair in it")
    if len(taken) < 2:
        raise UsageError(f"options is {list(taken)!r:.60}; a decision is between at least two")
    if len(set(taken)) < len(taken):
        raise UsageError(f"an option stands twice in {list(taken)!r:.200}; name each once")
    return taken


def weighed(options: Sequence[str], found: list[float] | DecodeError) -> Decision | DecodeError:
    """Decide by log-likelihoods, where there are some that say anything."""
    if isinstance(found, DecodeError):
        return found
    try:
        return Decision.between(options, found)
    except DecodeError as error:
        return error
