"""What to ask about the words that no reading accounted for."""

from __future__ import annotations

import difflib

from bullpend.copilot.wishes import Ask
from bullpend.copilot.words import FILLERS, Line, several

# What changes the meaning of a whole sentence; an order that holds one is not carried out on the quiet.
_TURNS = (
    r"not|never|no|unless|until|if|when|whenever|after|before|while|except|instead|else|otherwise|should|maybe|perhaps"
    r"|tomorrow|tonight|later|hourly|daily|weekly|delete|remove|erase|destroy|wipe"
)
_KNOWN = several(
    """
    candidates candidate variants scenes scene panels style weather characters lighting cancel retry accept status
    costs models upscale background colour seed pause resume except
    """
)


def quoted(left: list[str]) -> str:
    """Phrases for a sentence."""
    return ", ".join(f"“{phrase}”" for phrase in left[:3])


def near(left: list[str]) -> str:
    """A word that may have been meant, as a question; empty where none comes near."""
    for word in " ".join(left).split():
        found = difflib.get_close_matches(word, _KNOWN, n=1, cutoff=0.8)
        if found and len(word) > 4 and found[0] != word:
            return f" Did you mean “{found[0]}” by “{word}”?"
    return ""


def unread(line: Line, extra: frozenset[str] = frozenset()) -> Ask | None:
    """A question about what was not understood; None where every word is accounted for."""
    if found := line.find(_TURNS):
        where = line.rest[found.start() :].split("\x00")[0].strip()
        return Ask(f"I cannot take “{where[:80]}” into account. Please say it without that, or in another way.")
    left = line.left(FILLERS | extra)
    if not left:
        return None
    return Ask(f"I did not understand {quoted(left)}.{near(left)} Please say it in other words, or leave it out.")
