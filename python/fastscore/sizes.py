"""Sizes as people say them."""

from __future__ import annotations


def parameter_count(n: int) -> str:
    """Round a number of parameters as people name models by it: ``135M``, ``1.7B``, ``70B``."""
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if n >= 0.9995 * size:
            value = n / size
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return str(n)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, which takes an s but for 1: ``1 text``, ``2,000 texts``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
