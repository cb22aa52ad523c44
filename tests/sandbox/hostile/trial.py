"""Running hostile programs with honest ones between them, before the eyes of a witness."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hostile.case import ASSERTS, CHECK, RIGHT, WRONG, Hostile
from hostile.witness import Witness

from fastscore.sandbox import Execution, Program, Sandbox, SandboxLimits

HONEST = (
    (Program(RIGHT, CHECK, "ascending"), "passed"),
    (Program(WRONG, ASSERTS, None), "failed"),
)
"""What follows hostile programs, in turn, and the verdict."""


@dataclass(frozen=True)
class Neighbour:
    """An honest program that ran after ``follows``."""

    follows: str
    expected: str
    judged: str
    detail: str


@dataclass
class Report:
    """How all ended. ``effects`` and ``left_behind`` are in words, empty when all is well."""

    secret: str
    executions: dict[tuple[str, int], Execution] = field(default_factory=dict)
    neighbours: list[Neighbour] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)


def hold(
    cases: Sequence[Hostile],
    level: str,
    limits: SandboxLimits,
    witness: Witness,
    workers: int = 4,
) -> Report:
    """Run every test of every case once, each followed by an honest program."""
    report = Report(witness.secret)
    programs: list[Program] = []
    keys: list[tuple[str, int]] = []
    for case in cases:
        for number, test in enumerate(case.tests):
            programs.append(hostile_program(case, test, witness.traps()))
            programs.append(HONEST[len(keys) % len(HONEST)][0])
            keys.append((case.name, number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(witness.home))
        patch.setenv("TMPDIR", str(witness.temporary))
        patch.setattr(tempfile, "tempdir", None)
        patch.setenv("FASTSCORE_CANARY", witness.secret)
        with Sandbox(level, workers=workers, limits=limits) as sandbox:
            for index, execution in sandbox.run(programs):
                turn = index // 2
                key = keys[turn]
                if index % 2 == 0:
                    report.executions[key] = execution
                else:
                    expected = HONEST[turn % len(HONEST)][1]
                    report.neighbours.append(
                        Neighbour(key[0], expected, execution.outcome, execution.detail)
                    )
                if new := [one for one in witness.effects() if one not in report.effects]:
                    report.effects += [*new, f"(seen after the verdict on {key})"]
    report.left_behind = witness.left_behind()
    return report


def hostile_program(case: Hostile, test: str, traps: dict[str, str]) -> Program:
    """The program of ``case`` with the traps in place."""
    source = WRONG + case.source
    for name, value in traps.items():
        source = source.replace(f"@{name}@", value)
    entry_point = "ascending" if "check(" in test else None
    return Program(source, test, entry_point, case.prelude, case.reference)
