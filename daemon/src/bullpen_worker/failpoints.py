"""Places in a worker where a test may have everything die: the daemon that started it, and the worker itself.

The daemon's list (`bullpend/failpoints.py`) names them; `BULLPEN_TESTING_FAILPOINT` arms one. In ordinary use passing a
point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_armed, _, _times = os.environ.get("BULLPEN_TESTING_FAILPOINT", "").partition("@")
_left = [int(_times or 1)]


def reach(name: str) -> None:
    """Does nothing, or does not come back."""
    if name != _armed:
        return
    _left[0] -= 1
    if _left[0] <= 0:
        kill = getattr(signal, "SIGKILL", signal.SIGTERM)
        os.kill(os.getppid(), kill)
        os.kill(os.getpid(), kill)
