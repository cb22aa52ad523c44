"""pass@k and its relatives: what k samples of a problem would do, estimated from n of them.

Of n samples c are right. Whatever is asked of k fresh samples is answered by the average over all
ways to choose k of the n, which is unbiased (Chen et al. 2021, https://arxiv.org/abs/2107.03374).
Fewer than k samples have no such average: the estimate is then NaN, never that of a smaller k.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from fastscore import _core
from fastscore.errors import UsageError
from fastscore.machine import available_cores

Estimates: TypeAlias = npt.NDArray[np.float64]
Whole: TypeAlias = npt.NDArray[np.int64]

MAX_SAMPLES = _core.MAX_SAMPLES
"""The largest n: 1,000,000."""

_MAX_K = 2**53  # beyond it floats skip whole numbers
_PARALLEL_FROM = 4096  # estimates; fewer are done before another thread has started
_A_CALL = 1 << 16  # estimates; Ctrl-C is heard between two calls


@overload
def pass_at_k(n: int, c: int, k: int) -> float: ...
@overload
def pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Estimates | float: ...
def pass_at_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Estimates | float:
    """Return the probability that at least one of k samples is right: 1 - C(n-c, k) / C(n, k).

    Computed as a sum of positive terms: the relative error is below 1e-12, of small values too.

    Args:
        n: Samples of the problem, from 0 to 1,000,000.
        c: How many of them are right, from 0 to n.
        k: How many are drawn, at least 1.

    Returns:
        A float for three numbers; for arrays, which broadcast as numpy's, an array. NaN where
        n < k.

    Raises:
        UsageError: For numbers that are not whole or out of range, with their index, and for
            shapes that do not broadcast.

    """
    return _estimate(_core.pass_at_k, *counts(n, c, k))


@overload
def pass_hat_k(n: int, c: int, k: int) -> float: ...
@overload
def pass_hat_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Estimates | float: ...
def pass_hat_k(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> Estimates | float:
    """Return the probability that all of k samples are right, pass^k: C(c, k) / C(n, k).

    Yao et al. 2024 (https://arxiv.org/abs/2406.12045). Arguments, result and errors are those of
    :func:`pass_at_k`.
    """
    return _estimate(_core.pass_hat_k, *counts(n, c, k))


@overload
def g_pass_at_k(n: int, c: int, k: int, tau: float) -> float: ...
@overload
def g_pass_at_k(
    n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike, tau: npt.ArrayLike
) -> Estimates | float: ...
def g_pass_at_k(
    n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike, tau: npt.ArrayLike
) -> Estimates | float:
    """Return the probability that at least ceil(tau * k) of k samples are right: G-Pass@k.

    Liu et al. 2024 (https://arxiv.org/abs/2412.13147): the upper tail of the hypergeometric
    distribution. ``tau = 1`` is :func:`pass_hat_k`, and any ``tau <= 1 / k`` :func:`pass_at_k`.

    ``ceil(tau * k)`` is taken of the tau that was meant, not of its binary approximation: 0.07 of
    100 samples are 7, although 0.07 * 100 is 7.000000000000001. The number is the least m with
    ``m / k >= tau``, both as doubles, which is exact for every fraction ``p / q`` with ``k * q``
    below 2^52.

    Args:
        n: Samples of the problem, as in :func:`pass_at_k`.
        c: How many of them are right.
        k: How many are drawn.
        tau: The share that must be right, above 0 and at most 1; broadcasts too. Fractions and
            decimals are rounded to double once, arrays of a lower precision are refused.

    Returns:
        As :func:`pass_at_k`.

    Raises:
        UsageError: As :func:`pass_at_k`.

    """
    return _estimate(_core.g_pass_at_k, *counts(n, c, k), _shares(tau))


def _estimate(native: Callable[..., Estimates], *arguments: npt.NDArray[Any]) -> Estimates | float:
    """Call ``native`` on the broadcast arguments, a slice at a time."""
    try:
        shape = np.broadcast_shapes(*(argument.shape for argument in arguments))
    except ValueError as error:
        raise UsageError(f"the arguments have shapes that do not broadcast: {error}") from error
    flat = [np.broadcast_to(argument, shape).ravel() for argument in arguments]
    size = flat[0].size
    pool = _core.ThreadPool(1 if size < _PARALLEL_FROM else available_cores())
    out = np.empty(size)
    for begin in range(0, size, _A_CALL):
        part = slice(begin, begin + _A_CALL)
        out[part] = native(*(numbers[part] for numbers in flat), pool)
    return out.reshape(shape) if shape else float(out[0])


def counts(n: npt.ArrayLike, c: npt.ArrayLike, k: npt.ArrayLike) -> tuple[Whole, Whole, Whole]:
    """Return n, c and k as int64; UsageError where :func:`pass_at_k` has one."""
    samples = _whole("n", n, 0, MAX_SAMPLES)
    right = _whole("c", c, 0, MAX_SAMPLES)
    draws = _whole("k", k, 1, _MAX_K)
    try:
        more = right > samples
    except ValueError as error:
        raise UsageError(f"n and c have shapes that do not broadcast: {error}") from error
    if (where := _first(more)) is not None:
        n_there, c_there = (np.broadcast_to(x, more.shape)[where] for x in (samples, right))
        raise UsageError(
            f"{_named('c', where)} is {c_there}, but n there is {n_there}: no more samples can be "
            "right than there are"
        )
    return samples, right, draws


def _whole(name: str, values: npt.ArrayLike, least: int, most: int) -> Whole:
    """Return ``values`` as int64; UsageError for what is not whole or not from least to most."""
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{name} must be a number or a rectangular array: {error}") from error
    if given.dtype.kind == "O":  # whole numbers beyond 64 bits, or no numbers at all
        wrong = np.array([not isinstance(x, int) for x in given.flat], bool).reshape(given.shape)
    elif given.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong = given != np.floor(given)  # NaN too
    else:
        wrong = np.full(given.shape, given.dtype.kind not in "biu")
    if (where := _first(wrong)) is not None:
        raise UsageError(
            f"{_named(name, where)} is {given[where]!s}, which is no whole number; "
            f"{name} counts samples"
        )
    if (where := _first((given < least) | (given > most))) is not None:
        raise UsageError(
            f"{_named(name, where)} is {given[where]}, but must be from {least} to {most:,}"
        )
    return given.astype(np.int64)


def _shares(tau: npt.ArrayLike) -> Estimates:
    """Return tau as float64, each above 0 and at most 1."""
    try:
        given = np.asarray(tau)
        shares = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"tau must be a number or a rectangular array: {error}") from error
    if given.dtype.kind not in "biufO" or (given.dtype.kind == "f" and given.dtype.itemsize < 8):
        raise UsageError(
            f"tau has the type {given.dtype}, in which 0.1 is not the 0.1 of Python; give Python "
            "numbers or float64"
        )
    if (where := _first(~((shares > 0) & (shares <= 1)))) is not None:
        raise UsageError(
            f"{_named('tau', where)} is {given[where]}, but must be above 0 and at most 1"
        )
    return shares


def _first(wrong: npt.NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Return the index of the first True."""
    if not wrong.any():
        return None
    return tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))


def _named(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name
