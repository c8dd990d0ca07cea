"""How many files and connections the daemon may have open.

Systems give a process 256 (macOS) or 1024 unless it asks for more; clients that connect and stay would use them up, and
then neither a picture nor the database's own files can be opened.
"""

from __future__ import annotations

import sys

WANTED = 10_000


def raise_limit() -> int:
    """Takes as many as are wanted, or as the system allows; returns how many that are. 0 where nothing limits them."""
    if sys.platform == "win32":  # not run in the tests of this project
        return 0
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        # Some systems have a bound of their own below the one that they tell.
        return soft
    return wanted
