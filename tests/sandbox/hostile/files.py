"""Programs that reach for the user's files and environment.

What they learn they raise, so that it would stand in the verdict's detail, where the witness looks
for its secret.
"""

from __future__ import annotations

from hostile.case import NOT_PASSED, Hostile

FILES_OPEN = "at the weak level a program has the user's access to files"
PROC_OPEN = "at the weak level a program sees the user's processes"

FILES = (
    Hostile(
        "reads the user's file",
        "by its path",
        "raise ValueError(open('@CANARY@').read())",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "deletes the user's files",
        "all of them",
        """
import os, shutil
for path in ('@HOME@', '@OUTSIDE@'): shutil.rmtree(path, ignore_errors=True)
os.remove('@CANARY@')
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "overwrites the user's file",
        "in place, and by renaming",
        """
import os
for path in ('@CANARY@', '@OUTSIDE@/ours'):
    try:
        with open(path, 'w') as file: file.write('owned')
    except OSError:
        pass
with open('mine', 'w') as file: file.write('owned')
os.replace('mine', '@CANARY@')
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "changes mode and times",
        "of the user's file",
        "import os\nos.utime('@CANARY@', (0, 0))\nos.chmod('@CANARY@', 0)",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "writes everywhere",
        "wherever a directory can be written",
        """
import os, sys
for place in ('/', '/tmp', '/var/tmp', '/dev/shm', '/run', '/etc', '/usr', '/home', '/root',
              '@HOME@', '@OUTSIDE@', '..', '../..', sys.prefix, os.path.dirname(os.__file__)):
    try:
        with open(place + '/@MARK@', 'w') as file: file.write('owned')
    except OSError:
        pass
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "changes the library",
        "the next interpreter would run what it writes",
        """
import os, sys
with open(os.path.join(os.path.dirname(os.__file__), '@MARK@.pth'), 'w') as file: file.write('')
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "symbolic link",
        "leads the clean-up, or a later writer, to the user's directory",
        """
import os
os.symlink('@HOME@', 'way')
os.symlink('@HOME@', '@MARK@')
os.remove('way/canary.txt')
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "swaps its directory for a link",
        "so that the clean-up empties the user's",
        """
import os
here = os.getcwd()
os.chdir('/')
os.rmdir(here)
os.symlink('@HOME@', here)
""",
        NOT_PASSED,
    ),
    Hostile(
        "climbs out",
        "by descriptors of directories that were open before",
        """
import os
for descriptor in range(64):
    for way in ('@HOME@/canary.txt', '..' + '/..' * 20 + '@CANARY@'):
        try:
            found = os.open(way, os.O_RDWR, dir_fd=descriptor)
        except OSError:
            continue
        raise ValueError(os.read(found, 100))
raise OSError
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "chroot escape",
        "a second chroot inside the first lets go of the first",
        """
import os
os.mkdir('@MARK@')
os.chroot('@MARK@')
for _ in range(64): os.chdir('..')
os.chroot('.')
raise ValueError(open('@CANARY@').read())
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "mounts",
        "in namespaces of its own, or ours",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x00020000, 0x10000000 | 0x00020000 | 0x20000000):
    libc.unshare(flags)
libc.mount(b'none', b'/mnt', b'tmpfs', 0, None)
libc.mount(b'/', b'/mnt', None, 4096, None)
libc.umount2(b'/', 2)
libc.umount2(b'/tmp', 2)
raise ValueError(open('@CANARY@').read())
""",
        unstopped=FILES_OPEN,
    ),
    Hostile(
        "device nodes",
        "made, or found: the disk, the memory, the terminal",
        """
import os
found = []
for name, major, minor in (('sda', 8, 0), ('vda', 253, 0), ('vda2', 254, 0), ('mem', 1, 1)):
    try:
        os.mknod('@MARK@' + name, 0o600 | 0o060000, os.makedev(major, minor))
        found.append(open('@MARK@' + name, 'rb').read(16))
    except OSError:
        pass
for path in ('/dev/mem', '/dev/kmem', '/dev/sda', '/dev/vda', '/dev/tty', '/dev/console'):
    try:
        open(path, 'r+b', 0).write(b'')
        found.append(path)
    except OSError:
        pass
raise ValueError('@SECRET@' if found else 'nothing')
""",
        unstopped=FILES_OPEN,
    ),
)

ENVIRONMENT = (
    Hostile(
        "reads the environment",
        "keys and passwords live there",
        "import os\nraise ValueError(os.environ.get('FASTSCORE_CANARY', 'nothing'))",
    ),
    Hostile(
        "reads the environment in C",
        "below os.environ, which may have been emptied",
        """
import ctypes
get = ctypes.CDLL(None).getenv
get.restype = ctypes.c_char_p
raise ValueError(get(b'FASTSCORE_CANARY'))
""",
        NOT_PASSED,
    ),
    Hostile(
        "reads the first environment",
        "what the process was started with stays in /proc",
        """
import os
found = []
for process in ('self', os.getppid(), 1, '@PARENT@', '@DECOY@'):
    try:
        found.append(open(f'/proc/{process}/environ', 'rb').read())
    except OSError:
        pass
raise ValueError('@SECRET@' if any(b'FASTSCORE_CANARY' in one for one in found) else found)
""",
        unstopped=PROC_OPEN,
    ),
)

REACHING = (*FILES, *ENVIRONMENT)
