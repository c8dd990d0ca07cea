"""Where training reports go: plain lines on standard output, flushed so that a log can be followed."""

import sys


def say(*parts: object) -> None:
    """Write one line."""
    sys.stdout.write(" ".join(map(str, parts)) + "\n")
    sys.stdout.flush()
