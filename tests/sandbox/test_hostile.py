"""No hostile program passes, does anything outside, or is still there afterwards.

All run over one pool, each followed by an honest program and a wrong one, which must be judged as
they are. See hostile/ for the programs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from hostile.case import Hostile, parameters
from hostile.suite import SUITE
from hostile.trial import Report, hold
from hostile.witness import Witness

from fastscore.sandbox import SandboxLimits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the strong level is Linux's")

LIMITS = SandboxLimits(cpu_seconds=1.0, wall_seconds=8.0)
CASES = parameters(SUITE, "strong")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    with Witness(tmp_path_factory.mktemp("witness")) as witness:
        yield hold(SUITE, "strong", LIMITS, witness)


def test_the_suite_is_as_large_as_promised() -> None:
    assert len({case.name for case in SUITE}) == len(SUITE) >= 50


@pytest.mark.parametrize(("case", "number"), CASES)
def test_ends_as_it_may(report: Report, case: Hostile, number: int) -> None:
    execution = report.executions[case.name, number]
    assert execution.outcome in case.accept, execution
    assert execution.outcome != "passed"


def test_nothing_happens_outside(report: Report) -> None:
    assert report.effects == []


def test_nothing_is_left_behind(report: Report) -> None:
    assert report.left_behind == []


def test_no_secret_is_told(report: Report) -> None:
    told = [name for name, found in report.executions.items() if report.secret in found.detail]
    assert told == []


def test_details_can_be_shown_and_stored(report: Report) -> None:
    for name, execution in report.executions.items():
        assert len(execution.detail) < 1000, name
        assert execution.detail.isprintable(), name
        json.dumps(execution.detail, ensure_ascii=False).encode()


def test_neighbours_are_judged_rightly(report: Report) -> None:
    assert len(report.neighbours) == len(CASES)
    assert [found for found in report.neighbours if found.judged != found.expected] == []
