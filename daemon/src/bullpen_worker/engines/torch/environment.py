"""Settings that the libraries read once, when they are imported; so this module imports none of them.

No network: models are folders on this machine. Quiet waiting: OpenMP threads that spin while they wait make two
processes on the same cores several times slower. A fixed cuBLAS workspace: without it equal jobs may differ in bits.
"""

from __future__ import annotations

import os


def prepare_environment(threads: int) -> None:
    """Sets the environment of this process for torch and its relatives. `threads` 0 leaves the library's choice."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if threads > 0:
        os.environ["OMP_NUM_THREADS"] = str(threads)
