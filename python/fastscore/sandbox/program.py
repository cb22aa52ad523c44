"""What is judged: a program nobody trusts, and the tests that decide about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Program:
    r"""One judgement: run ``source``, then ``test`` against what it defined.

    Only ``source`` is untrusted; the other parts come from the data set. ``test`` uses the name
    ``entry_point`` of the program, or, where that is None, whatever names of it the tests mention.
    ``prelude`` runs by itself, out of the program's reach, and defines names for the tests (the
    prompts of HumanEval define helpers that they call). ``reference`` is a known solution, never
    run: a name that it binds is the program's to define even where it hides a builtin (MBPP asks
    for a function ``sum``), and a class in it may be a class with operators of its own.

    Example:
        >>> Program("def one():\n    return 1", "assert one() == 1", "one").entry_point
        'one'

    """

    source: str
    test: str
    entry_point: str | None = None
    prelude: str = ""
    reference: str = ""
