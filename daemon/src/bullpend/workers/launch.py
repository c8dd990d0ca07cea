"""How a worker is started and how its end is put into words: environment, exit status."""

from __future__ import annotations

import signal
from collections.abc import Mapping

# What a worker may see of the daemon's environment: what the system and the model libraries need to run at all.
_PASSED = frozenset(
    {
        "BULLPEN_TESTING_FAILPOINT",
        "CUDA_DEVICE_ORDER",
        "CUDA_VISIBLE_DEVICES",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "MKL_NUM_THREADS",
        "NVIDIA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "PATH",
        "PYTHONPATH",
        "PYTORCH_CUDA_ALLOC_CONF",
        "REMBG_HOME",
        "SYSTEMROOT",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "U2NET_HOME",
        "USER",
        "USERPROFILE",
        "VIRTUAL_ENV",
        "XDG_DATA_HOME",
    }
)
# Idle threads of a library must sleep, not spin: two workers on few cores would stall each other. Nothing is fetched.
_SET = {
    "OMP_WAIT_POLICY": "passive",
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """A small environment for a worker, from the daemon's own. Tokens and credentials stay behind."""
    return {key: value for key, value in environment.items() if key in _PASSED} | _SET


def exit_words(status: int, last_line: str = "") -> str:
    """Why a process ended by itself, to follow "the worker": from its exit status (negative: a signal) and, where it
    is no clean exit, the last line of its standard error.
    """
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        words = f"was killed by {name}{hint}"
    else:
        words = f"exited with status {status}"
    if last_line and status != 0:
        words += f": {last_line[:200]}"
    return words
