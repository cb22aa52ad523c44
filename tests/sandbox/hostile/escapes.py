"""Programs that reach outside: the network, other processes, the kernel.

What they learn they raise, so that it would stand in the verdict's detail, where the witness looks
for its secret.
"""

from __future__ import annotations

from hostile.case import NOT_PASSED, Hostile

NETWORK_OPEN = "at the weak level a program has the user's access to the network"
SIGNALS_OPEN = "at the weak level a program may signal the user's processes"
PROC_OPEN = "at the weak level a program sees the user's processes"

NETWORK = (
    Hostile(
        "opens a connection",
        "to this machine",
        """
import socket
with socket.create_connection(('127.0.0.1', @PORT@), timeout=2) as connection:
    connection.sendall(b'hello')
""",
        unstopped=NETWORK_OPEN,
    ),
    Hostile(
        "sends a datagram",
        "which needs no connection",
        """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
    sender.sendto(b'hello', ('127.0.0.1', @UDP_PORT@))
raise OSError
""",
        unstopped=NETWORK_OPEN,
    ),
    Hostile(
        "abstract socket",
        "has no file, so no view of files hides it",
        r"""
import socket
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect('\0@MARK@')
    connection.sendall(b'hello')
""",
        unstopped=NETWORK_OPEN,
    ),
    Hostile(
        "socket file",
        "of a server of the user",
        """
import socket
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect('@HOME@/socket')
    connection.sendall(b'hello')
""",
        unstopped=NETWORK_OPEN,
    ),
    Hostile(
        "listens",
        "for somebody to call in, on all addresses",
        """
import socket
with socket.create_server(('', 0)) as server:
    with socket.create_connection(server.getsockname(), timeout=1): raise ValueError('@SECRET@')
""",
        unstopped=NETWORK_OPEN,
    ),
    Hostile(
        "rare sockets",
        "raw, packet, netlink, vsock",
        """
import socket
for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (17, socket.SOCK_RAW), (40, 1)):
    try:
        socket.socket(family, kind)
        raise ValueError('@SECRET@')
    except OSError:
        pass
raise OSError
""",
        unstopped=NETWORK_OPEN,
    ),
)

PROCESSES = (
    Hostile(
        "kills everybody",
        "whom it may signal at all",
        "import os, signal\nos.kill(-1, signal.SIGKILL)",
        NOT_PASSED,
        unstopped=SIGNALS_OPEN,
    ),
    Hostile(
        "kills by number",
        "its parents, its group, and every number there is",
        """
import os, signal
for process in (@DECOY@, @PARENT@, os.getppid(), 0, *range(os.getpid() - 1, 0, -1), -1):
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            if process != os.getpid() and process != 0: os.kill(process, number)
        except OSError:
            pass
os.killpg(0, signal.SIGKILL)
""",
        NOT_PASSED,
        unstopped=SIGNALS_OPEN,
    ),
    Hostile(
        "stops its parent",
        "a stopped parent enforces no limit",
        """
import os, signal
for process in (os.getppid(), @PARENT@, @DECOY@):
    try:
        os.kill(process, signal.SIGSTOP)
    except OSError:
        pass
while True: pass
""",
        NOT_PASSED,
        unstopped=SIGNALS_OPEN,
    ),
    Hostile(
        "sees processes",
        "their command lines hold secrets",
        """
import os
seen = b''
for name in os.listdir('/proc'):
    if name.isdigit():
        try:
            seen += open(f'/proc/{name}/cmdline', 'rb').read()
        except OSError:
            pass
raise ValueError('@SECRET@' if b'@DECOY_NAME@' in seen else 'nobody')
""",
        unstopped=PROC_OPEN,
    ),
    Hostile(
        "finds out who is there",
        "signal 0 tells",
        """
import os
try:
    os.kill(@DECOY@, 0)
    raise ValueError('@SECRET@')
except ProcessLookupError:
    raise
""",
        unstopped=SIGNALS_OPEN,
    ),
    Hostile(
        "debugs others",
        "attaches to them, reads their memory, changes their limits",
        """
import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)
reached = []
for process in (@DECOY@, @PARENT@, os.getppid(), 1):
    if libc.ptrace(16, process, None, None) == 0: reached.append(process)
    if libc.ptrace(0x4206, process, None, None) == 0: reached.append(process)
    try:
        open(f'/proc/{process}/mem', 'r+b', 0)
        reached.append(process)
    except OSError:
        pass
for process in (@DECOY@, @PARENT@):
    try:
        resource.prlimit(process, resource.RLIMIT_CORE, (0, 0))
        reached.append(process)
    except OSError:
        pass
raise ValueError('@SECRET@' if reached else 'nobody')
""",
        NOT_PASSED,
        unstopped=PROC_OPEN,
    ),
    Hostile(
        "daemon",
        "leaves session, group and parent, to live on",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 1024)
        while True: time.sleep(0.1)
    os._exit(0)
time.sleep(0.2)
""",
        NOT_PASSED,
    ),
    Hostile(
        "daemon that works",
        "and burns CPU after the verdict",
        """
import os, signal
for number in (signal.SIGHUP, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True: pass
        os._exit(0)
""",
        NOT_PASSED,
    ),
    Hostile(
        "thread that works",
        "and writes after the verdict",
        """
import os, threading, time
def work():
    while True:
        time.sleep(0.01)
        os.write(1, b'passed')
threading.Thread(target=work).start()
""",
        NOT_PASSED,
    ),
    Hostile(
        "starts programs",
        "a shell, an interpreter",
        """
import subprocess, sys
try:
    subprocess.run(['/bin/sh', '-c', 'sleep 1000 & sleep 1000 &'], timeout=1)
except OSError:
    pass
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'], start_new_session=True)
""",
        NOT_PASSED,
    ),
    Hostile(
        "pool of processes",
        "with its own threads, pipes and semaphores",
        """
import multiprocessing
multiprocessing.Pool(4).map(abs, range(10))
multiprocessing.Semaphore(1)
""",
        NOT_PASSED,
    ),
)

KERNEL = (
    Hostile(
        "shared memory",
        "System V segments outlive every process",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for key in range(8):
    segment = libc.shmget(0, 1 << 20, 0o1666)
    libc.semget(0, 4, 0o1666)
    libc.msgget(0, 0o1666)
from multiprocessing import shared_memory
shared_memory.SharedMemory('@MARK@', create=True, size=1 << 20)
""",
        NOT_PASSED,
        unstopped="at the weak level memory that belongs to no process stays",
    ),
    Hostile(
        "unlikely system calls",
        "each has had its holes; none is needed to judge a function",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
names = {'io_uring_setup': 425, 'bpf': 321, 'perf_event_open': 298, 'userfaultfd': 323,
         'keyctl': 250, 'add_key': 248, 'kexec_load': 246, 'init_module': 175, 'reboot': 169,
         'swapoff': 168, 'settimeofday': 164, 'sethostname': 170, 'pivot_root': 155,
         'unshare': 272, 'setns': 308, 'open_by_handle_at': 304, 'process_vm_readv': 310}
held = bytes(256)
worked = []
for name, number in names.items():
    ctypes.set_errno(0)
    if libc.syscall(number, 1, held, 0, 0, 0) >= 0: worked.append(name)
raise ValueError('@SECRET@' if worked else 'none', worked)
""",
        NOT_PASSED,
        unstopped="at the weak level all system calls are the user's",
    ),
    Hostile(
        "becomes root",
        "by its user number, or by capabilities of a new user namespace",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
worked = libc.unshare(0x10000000) == 0
for change in (os.setuid, os.setgid):
    try:
        change(12345)
        worked = True
    except OSError:
        pass
raise ValueError('@SECRET@' if worked else 'no')
""",
        NOT_PASSED,
        unstopped="at the weak level all system calls are the user's",
    ),
    Hostile(
        "types into the terminal",
        "what it pushes there, the user's shell would run",
        """
import fcntl, os
worked = False
for descriptor in range(16):
    try:
        fcntl.ioctl(descriptor, 0x5412, b'@MARK@'[:1])
        worked = True
    except OSError:
        pass
raise ValueError('@SECRET@' if worked else 'no')
""",
        NOT_PASSED,
    ),
)

ESCAPES = (*NETWORK, *PROCESSES, *KERNEL)
