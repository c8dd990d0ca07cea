"""Start of a worker process: `python -m bullpen_worker`, with frames on standard input and standard output.

Before anything else is imported, standard output is kept for frames alone and whatever a library prints goes to
standard error. Exit status: 0 after Quit or when the daemon closed the link, 1 after a broken frame, 2 when the
process was started without a link, 3 when the engine cannot work here (a Log frame `engine_unavailable` says why).
"""

import os
import sys

if sys.platform == "win32":
    import msvcrt


def _take_link() -> tuple[int, int]:
    """Moves the link to descriptors of its own; descriptor 0 reads nothing from now on and 1 is standard error."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for fd in (incoming, outgoing):
        if sys.platform == "win32":
            msvcrt.setmode(fd, os.O_BINARY)
        else:
            os.set_blocking(fd, True)
    return incoming, outgoing


if __name__ == "__main__":
    if sys.stdin is None or sys.stdin.isatty():
        sys.exit("bullpen_worker is started by bullpend and speaks frames, not text. Start `bullpend` instead.")
    link = _take_link()
    from bullpen_worker.process import run

    run(*link)
