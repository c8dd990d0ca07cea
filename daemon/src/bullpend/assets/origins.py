"""Where a picture came from, and whether a look may be read from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

# How the origins of pictures that a person sent begin.
SENT = "upload:"


def admitted(origin: str, roots: Sequence[Path]) -> bool:
    """Whether what came from here may show a style: from inside one of the folders, or not from a folder at all."""
    return not origin.startswith("/") or any(Path(origin).is_relative_to(root.resolve()) for root in roots)


def better(known: str, origin: str, roots: Sequence[Path]) -> bool:
    """Whether a picture that is known from elsewhere was now brought from where a style may come from."""
    brought = origin.startswith(("/", SENT))
    return brought and not admitted(known, roots) and admitted(origin, roots)
