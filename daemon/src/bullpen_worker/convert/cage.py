"""Takes from this process whatever it does not need any more, before it looks at a file that nobody trusts.

A pickle is a program. The reader that is used admits numbers only, and this is what stands behind it, should that ever
fail: no network, no file may be opened, no program started, no privilege gained, and only so much memory, time and
output. What is open stays open. Linux only, as far as the kernel has it; what is in force is told by name.

Sources: landlock(7), unshare(2), prctl(2), getrlimit(2).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_NO_NEW_PRIVS = 38
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_ABI_VERSION = 1
# Rights over files by the version that brought them: thirteen, then refer, truncate, (network), ioctl.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
# From version 4 on: to bind and to connect.
_NETWORK = 0b11


def close_in(memory_bytes: int, seconds: int, output_bytes: int) -> tuple[str, ...]:
    """Restricts this process for good; returns what holds from now on."""
    held = list(_limits(memory_bytes, seconds, output_bytes))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0:
            held.append("no network")
        if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
            held.append("no new privileges")
            if _landlock(libc):
                held.append("no files")
    return tuple(held)


def _limits(memory_bytes: int, seconds: int, output_bytes: int) -> list[str]:
    try:
        import resource
    except ImportError:
        return []
    wanted = {
        "memory": (resource.RLIMIT_AS, memory_bytes),
        "time": (resource.RLIMIT_CPU, seconds),
        "output": (resource.RLIMIT_FSIZE, output_bytes),
        "core dumps": (resource.RLIMIT_CORE, 0),
    }
    held = []
    for name, (limit, value) in wanted.items():
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):
            continue
        held.append(f"limited {name}" if value else f"no {name}")
    try:
        # Threads count too, so this only stops what would begin anew.
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        held.append("no programs")
    except (ValueError, OSError):
        pass
    return held


def _landlock(libc: ctypes.CDLL) -> bool:
    """No file may be opened from now on, for reading or for writing."""
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ABI_VERSION)
    if version < 1:
        return False
    files = (1 << _RIGHTS.get(version, _RIGHTS[5])) - 1
    attribute = struct.pack("QQ", files, _NETWORK) if version >= 4 else struct.pack("Q", files)
    ruleset = libc.syscall(_CREATE_RULESET, attribute, ctypes.c_size_t(len(attribute)), 0)
    if ruleset < 0:
        return False
    try:
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)
