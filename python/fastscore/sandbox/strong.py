"""The strong level: programs run in a jail of the Linux kernel's making.

A worker is a fresh interpreter that shares nothing with this process but a socket. It moves into
namespaces of its own (user, mounts, processes, network, IPC), where the file system holds the
standard library and an empty directory, and forks a child for each program. The child is the first
process of yet another process namespace, without any capability, with resource limits and a filter
of system calls. See csrc/sandbox/jail.cpp.

The kernel is shared, as in a container: a hole in it is a way out. Inside, a program that finds a
flaw of the interpreter can read the tests in its own process and return what they expect; it cannot
write its verdict, for a pass must be confirmed by a process that never ran it.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import subprocess
import sys
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

PATIENCE_SECONDS = 5.0
"""How long a worker that was asked to end may take."""

_REPLY = struct.Struct("<BQQHH")
_GREETING = struct.Struct("<II")
_ANY_NONCE = bytes(NONCE_BYTES)  # the worker draws one itself


class StrongWorker:
    """One jailed interpreter; SandboxError where the kernel does not let it be made."""

    def __init__(self, limits: SandboxLimits) -> None:
        self._limits = limits
        native = _native_module()
        self._channel, channel = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-s", "-S", "-B", str(SCRIPT), native, "serve"),
                    *(str(channel.fileno()), str(limits.cpu_seconds), str(limits.deadline)),
                    *(str(limits.memory_mb << 20), str(limits.file_mb << 20)),
                    *(str(limits.open_files), str(limits.processes)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(channel.fileno(),),
                cwd="/",
                env={"PYTHONHASHSEED": "0"},  # the order of a set is no matter of chance
                start_new_session=True,  # a Ctrl-C at the terminal is for the caller alone
            )
        except OSError as error:
            self._channel.close()
            raise SandboxError(
                f"cannot start {sys.executable!r} for the sandbox: {error.strerror}"
            ) from error
        finally:
            channel.close()
        try:
            self._greet()
        except BaseException:
            self.close()
            raise

    def execute(self, request: Request) -> Execution:
        """Judge one program; WorkerDiedError when this worker can judge no more."""
        deadline = time.monotonic() + self._limits.deadline + GRACE_SECONDS
        try:
            self._channel.sendall(request.encode(_ANY_NONCE))
            reply = self._read(_REPLY.size, deadline)
            outcome, cpu, wall, n_error, n_message = _REPLY.unpack(reply)
            texts = self._read(n_error + n_message, deadline)
        except OSError as error:
            raise WorkerDiedError(f"the worker died: {error.strerror or error}") from error
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
        with contextlib.suppress(OSError):  # it has hung up already
            self._channel.shutdown(socket.SHUT_RDWR)
        # It ends by itself then, after its children. Killed, it would leave them to be collected
        # by init.
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __del__(self) -> None:
        if (channel := getattr(self, "_channel", None)) is not None:
            channel.close()

    def _greet(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        try:
            number, size = _GREETING.unpack(self._read(_GREETING.size, deadline))
            step = self._read(size, deadline).decode("utf-8", "replace")
        except OSError as error:
            raise SandboxError(
                f"the worker of the sandbox ended before it was ready (exit status "
                f"{self._process.poll()}); run {sys.executable} -s -S -B {SCRIPT} to see why"
            ) from error
        if number:
            raise SandboxError(explain(number, step))

    def _read(self, size: int, deadline: float) -> bytes:
        """Exactly ``size`` bytes from the worker; OSError when it is gone, or silent too long."""
        data = b""
        while len(data) < size:
            self._channel.settimeout(max(deadline - time.monotonic(), 1e-3))
            part = self._channel.recv(size - len(data))
            if not part:
                raise ConnectionResetError(errno.ECONNRESET, "it ended without an answer")
            data += part
        return data


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
