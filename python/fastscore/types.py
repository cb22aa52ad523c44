"""The plain values that travel between the parts of fastscore.

Nothing here has behaviour beyond validation, and nothing here imports another part of fastscore:
every layer may depend on this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = Mapping[str, Any]
"""One example of a benchmark, in the field layout of its Hugging Face dataset."""

Role = Literal["eval", "fewshot"]
"""What rows are for: to be scored, or to be shown as solved examples in the prompt."""


@dataclass(frozen=True, slots=True)
class Item:
    """One multiple-choice question, ready to be scored.

    ``contexts`` holds one text, or one per choice where they differ (WinoGrande puts the choice
    into the context). ``continuations`` are scored as they stand, delimiter included; ``choices``
    are the same texts without it, which is what length normalisation measures. ``gold`` lists the
    indices of the right choices: one for most benchmarks, several for TruthfulQA MC2.
    """

    doc_id: int
    contexts: tuple[str, ...]
    continuations: tuple[str, ...]
    choices: tuple[str, ...]
    gold: tuple[int, ...]

    def context_of(self, choice: int) -> str:
        """The context that ``continuations[choice]`` follows."""
        return self.contexts[choice] if len(self.contexts) > 1 else self.contexts[0]


@dataclass(frozen=True, slots=True)
class ProgramParts:
    """What makes a program to judge out of a text that a model wrote.

    The program is ``before`` followed by the model's text: the head of the function that HumanEval
    leaves open, nothing for MBPP. ``test`` is the code that judges it, and ``entry_point`` the
    name it calls, None where the tests may use any. ``prelude`` is trusted code that defines names
    the tests may use, ``reference`` a trusted solution: what that binds is the program's to define.
    """

    test: str
    before: str = ""
    entry_point: str | None = None
    prelude: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One prompt, ready to be generated from.

    Generation ends before the first text of ``stop``, or after ``max_tokens`` tokens. ``gold`` is
    the reference, or all of them where any one is right; ``program`` is there where the answer is
    code to be executed.
    """

    doc_id: int
    context: str
    stop: tuple[str, ...]
    max_tokens: int
    gold: str | tuple[str, ...]
    program: ProgramParts | None = None


@dataclass(frozen=True, slots=True)
class Likelihood:
    """What a model says of one continuation.

    ``logprob`` is the sum of the natural log-probabilities of its tokens, ``is_greedy`` whether
    each token was the most probable one where it stood, ``n_tokens`` how many tokens it has.
    """

    logprob: float
    is_greedy: bool
    n_tokens: int


FinishReason = Literal["stop", "eos", "length"]
"""Why a generation ended: a stop text, a token that ends a text or a turn, or the room for it."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is picked from the distribution over the next one.

    ``temperature`` 0 is greedy: the likeliest token, the lowest id among equals; nothing else
    applies then but ``repeat_penalty``. ``top_k`` 0, ``top_p`` 1, ``min_p`` 0 and
    ``repeat_penalty`` 1 switch their filter off. ``seed`` and the prompt and the sample's number
    decide the random numbers, whatever else is generated at the same time.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 1234


@dataclass(frozen=True, slots=True)
class Generation:
    """One text that a model wrote.

    ``text`` ends before the first stop text. ``n_tokens`` counts the tokens sampled, one that
    ended the text included; ``seconds`` is from its first token to its last, waiting included.
    """

    text: str
    finish_reason: FinishReason
    n_prompt_tokens: int
    n_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What to write after one prompt.

    ``samples`` are the numbers of the samples wanted: with the prompt and the seed a number decides
    the random numbers of its sample, so that what is missing of an earlier run can be asked for
    alone. The text ends before the first of the texts ``stop``, and has at most ``max_tokens``
    tokens.
    """

    prompt: str
    samples: tuple[int, ...] = (0,)
    stop: tuple[str, ...] = ()
    max_tokens: int = 256


@dataclass(frozen=True, slots=True)
class Finished:
    """A sample that is done: ``sample`` is its number, ``request`` the index of its request."""

    request: int
    sample: int
    generation: Generation


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where the rows of a benchmark come from: one hub dataset, and the files of its release.

    ``benchmark`` names the field layout (``arc``, ``hellaswag``, ...). ``*_files`` are glob
    patterns below a data directory in order of preference, each matched plain or compressed.
    ``where`` keeps only the rows whose fields have these values (one MMLU subject of the file
    that holds all 57). ``installed_file`` is a path in an importable package that brings the
    evaluated rows along, if it is installed. A source without ``hub_repo`` lives in fastscore
    itself (``mini``) or in the user's own file. ``n_eval`` and ``n_fewshot`` are the numbers of
    rows that lm-eval scores and draws its shots from, where they are published: other numbers are
    said in ``Origin.notes``.
    """

    benchmark: str
    hub_repo: str | None = None
    hub_config: str | None = None
    eval_split: str = "test"
    fewshot_split: str | None = None
    eval_files: tuple[str, ...] = ()
    fewshot_files: tuple[str, ...] = ()
    installed_file: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    n_eval: int | None = None
    n_fewshot: int | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Which bytes the rows were read from, so that a result can say so and be checked.

    ``kind`` is ``file``, ``hub`` or ``package``; ``location`` the path or ``owner/repo/file``;
    ``revision`` the resolved commit on the hub; ``sha256`` of the bytes as stored (of several
    files, one after the other). ``notes`` say in whole sentences what a reader of the scores must
    know about these rows: a subset, a layout that lost white space, a commit from the cache.
    """

    kind: Literal["file", "hub", "package"]
    location: str
    sha256: str
    n_rows: int
    revision: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedRows:
    """Rows in file order, and where they came from."""

    rows: list[dict[str, Any]]
    origin: Origin
