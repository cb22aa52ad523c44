"""Judge programs that nobody trusts: each in a jailed process, by a verdict it cannot forge."""

from __future__ import annotations

from fastscore.sandbox.execution import NEAR, OUTCOMES, Execution, Outcome
from fastscore.sandbox.limits import SandboxLimits
from fastscore.sandbox.pool import LEVELS, Level, Sandbox
from fastscore.sandbox.program import Program
from fastscore.sandbox.request import check_trusted

__all__ = [
    "LEVELS",
    "NEAR",
    "OUTCOMES",
    "Execution",
    "Level",
    "Outcome",
    "Program",
    "Sandbox",
    "SandboxLimits",
    "check_trusted",
]
