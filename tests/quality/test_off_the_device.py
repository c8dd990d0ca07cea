"""Measuring is never done on the thread that denoises, nor in its process: that is held by what the process imports."""

from __future__ import annotations

import subprocess
import sys

MEASURING = ("bullpen_worker.ops.measure", "bullpen_worker.ops.likeness", "bullpen_worker.ops.finish", "PIL", "numpy")


def test_a_device_s_loop_knows_nothing_that_measures() -> None:
    """The loop of a device can be imported, and none of what measures, encodes or hashes pictures comes along."""
    code = f"import sys, bullpen_worker.loop; print([name for name in {MEASURING!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_post_worker_s_loop_does() -> None:
    """The names above are those of what measures: the other loop has them all."""
    code = f"import sys, bullpen_worker.post; print([name for name in {MEASURING!r} if name not in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
