"""What a worker is given of the environment, and the words for its end."""

from __future__ import annotations

import signal

import pytest
from bullpend.workers.launch import exit_words, worker_environment


def test_credentials_stay_behind() -> None:
    """Only what the system and the libraries need is passed on; nothing is fetched from the net by a library."""
    given = {"PATH": "/bin", "HOME": "/h", "AWS_SECRET_ACCESS_KEY": "s", "HF_TOKEN": "t", "BULLPEN_HOME": "b"}
    environment = worker_environment(given)
    assert environment["PATH"] == "/bin"
    assert not {"AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "BULLPEN_HOME"} & environment.keys()
    assert environment["HF_HUB_OFFLINE"] == environment["TRANSFORMERS_OFFLINE"] == "1"
    assert environment["OMP_WAIT_POLICY"] == "passive"


@pytest.mark.parametrize(
    ("status", "last", "words"),
    [
        (0, "a warning", "exited with status 0"),
        (3, "No module named 'torch'", "exited with status 3: No module named 'torch'"),
        (-signal.SIGSEGV, "", "was killed by SIGSEGV"),
        (-signal.SIGKILL, "", "was killed by SIGKILL, as the system does when memory runs out"),
        (-250, "", "was killed by signal 250"),
    ],
)
def test_an_end_is_told_in_words(status: int, last: str, words: str) -> None:
    """Signals have names, a failure brings its last line, a clean exit does not."""
    assert exit_words(status, last) == words
