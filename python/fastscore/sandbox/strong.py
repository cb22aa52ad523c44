"""The strong level: programs run in a jail of the Linux kernel's making.

A worker is a fresh interpreter that shares nothing with this process but two pipes. It moves into
namespaces of its own (user, mounts, processes, network, IPC), where the file system holds the
standard library and an empty directory, and forks a child for each program. The child is the first
process of yet another process namespace, without any capability, with resource limits and a filter
of system calls. See csrc/sandbox/jail.cpp.
"""

from __future__ import annotations

import errno
import os
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

from fastscore.errors import SandboxError
from fastscore.sandbox.execution import OUTCOMES, Execution
from fastscore.sandbox.limits import SandboxLimits
from fastscore.sandbox.request import NONCE_BYTES, Request
from fastscore.sandbox.worker import WorkerDiedError

DESCRIPTION = (
    "strong: own namespaces and user, no network, standard library only, "
    "limited memory, CPU time and files"
)

SCRIPT = Path(__file__).with_name("judge.py")

START_SECONDS = 60.0
"""A worker needs a fraction of a second; this is for machines that are doing much else."""

GRACE_SECONDS = 30.0
"""How long after a program's deadline its worker may stay silent before it counts as dead."""

_REPLY = struct.Struct("<BQQHH")
_LARGEST_REPLY = 4096
_ANY_NONCE = bytes(NONCE_BYTES)  # the worker draws one itself


class StrongWorker:
    """One jailed interpreter; SandboxError where the kernel does not let it be made."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._limits = limits
        self._closing = threading.Lock()
        native = _native_module()
        child_requests, self._requests = os.pipe()
        self._replies, child_replies = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-s", "-S", "-B", str(SCRIPT), native, "serve"),
                    *(str(child_requests), str(child_replies)),
                    *(str(limits.cpu_seconds), str(limits.deadline)),
                    *(str(limits.memory_mb << 20), str(limits.file_mb << 20)),
                    *(str(limits.open_files), str(limits.processes)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(child_requests, child_replies),
                cwd="/",
                env={"PYTHONHASHSEED": "0"},  # the order of a set is no matter of chance
                start_new_session=True,  # a Ctrl-C at the terminal is for the caller alone
            )
        except OSError as error:
            os.close(self._requests)
            os.close(self._replies)
            raise SandboxError(
                f"cannot start {sys.executable!r} for the sandbox: {error.strerror}"
            ) from error
        finally:
            os.close(child_requests)
            os.close(child_replies)
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def execute(self, request: Request) -> Execution:
        """Judge one program; WorkerDiedError when this worker can judge no more."""
        try:
            _write_all(self._requests, request.encode(_ANY_NONCE))
            reply = self._read(self._limits.deadline + GRACE_SECONDS)
        except OSError as error:
            raise WorkerDiedError(f"the worker died: {error.strerror}") from error
        if len(reply) < _REPLY.size:
            raise WorkerDiedError("the worker died, or did not answer in time")
        outcome, cpu, wall, n_error, n_message = _REPLY.unpack_from(reply)
        texts = reply[_REPLY.size :]
        if outcome >= len(OUTCOMES) or len(texts) != n_error + n_message:
            raise WorkerDiedError("the worker answered with something else than a verdict")
        return Execution(
            OUTCOMES[outcome],
            error=texts[:n_error].decode("utf-8", "replace"),
            message=texts[n_error:].decode("utf-8", "replace"),
            cpu_seconds=cpu / 1e9,
            wall_seconds=wall / 1e9,
            cpu_limit=self._limits.cpu_seconds,
        )

    def close(self) -> None:
        """End the worker and whatever it runs; may come from another thread."""
        with self._closing:
            # The first process of the jail dies with this one, and takes all others along.
            self._process.kill()
            self._process.wait()
            for name in ("_requests", "_replies"):
                descriptor = getattr(self, name)
                if descriptor >= 0:
                    setattr(self, name, -1)
                    os.close(descriptor)

    def _greet(self) -> None:
        greeting = self._read(START_SECONDS)
        if greeting == b"\0":
            return
        if not greeting:
            raise SandboxError(
                f"the worker of the sandbox ended before it was ready (exit status "
                f"{self._process.wait()}); run {sys.executable} -s -S -B {SCRIPT} to see why"
            )
        number, _, step = greeting.decode("utf-8", "replace").partition("\n")
        raise SandboxError(explain(int(number), step))

    def _read(self, seconds: float) -> bytes:
        """One message; empty when the worker is gone or silent. Messages are written whole."""
        poll = select.poll()
        poll.register(self._replies, select.POLLIN)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if poll.poll(left * 1000):
                return os.read(self._replies, _LARGEST_REPLY)
        return b""


def explain(number: int, step: str) -> str:
    """What is missing for the strong level, and what to do about it."""
    what = f"the strong sandbox cannot be had here: {step}"
    if number == errno.ENOSYS:
        return (
            f"{what}. It needs Linux 5.14 or later; use the weak level by its explicit flag only "
            "for programs you trust"
        )
    if number == errno.ENOSPC:
        return (
            f"{what}. The number of user namespaces is limited; raise it with "
            "'sysctl user.max_user_namespaces=10000'"
        )
    return (
        f"{what}. The kernel, or the container around this process, does not let this user make "
        "namespaces. On Ubuntu 24.04 and later: 'sysctl kernel.apparmor_restrict_unprivileged_"
        "userns=0' or an AppArmor profile for this interpreter; on older Debian: 'sysctl "
        "kernel.unprivileged_userns_clone=1'; in Docker: '--security-opt seccomp=unconfined "
        "--security-opt apparmor=unconfined'. Or ask for the weak level by its explicit flag, "
        "only for programs you trust"
    )


def _native_module() -> str:
    """Path of the extension module that workers load."""
    if sys.platform != "linux":
        raise SandboxError(
            f"the strong sandbox needs Linux, and this is {sys.platform}; the weak level runs "
            "everywhere, by its explicit flag, for programs you trust"
        )
    from fastscore import _sandbox

    path = _sandbox.__file__
    assert path is not None
    return path


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
