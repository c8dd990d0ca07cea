"""Words: a sentence brought to one form, numbers in words and digits, and a line from which parts are taken.

The grammar is a reader that must account for every word. What a part of it understands is taken from the line; words
that carry nothing are fillers; a word that is left over at the end was not understood, and then the copilot asks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

MAX_CHARACTERS = 4000

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
NUMBERS: dict[str, int] = {word: value for value, word in enumerate(_UNITS.split())}
NUMBERS |= {"seventeen": 17, "eighteen": 18, "nineteen": 19, **_TENS, "dozen": 12, "couple": 2, "pair": 2}
# Numbers that count and name no place.
VAGUE = ("dozen", "couple", "pair")
NUMBERS |= {f"{ten}-{unit}": value + NUMBERS[unit] for ten, value in _TENS.items() for unit in _UNITS.split()[1:10]}
_ORDINAL = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
ORDINALS: dict[str, int] = {word: value for value, word in enumerate(_ORDINAL.split(), 1)}
ORDINALS |= {"thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "twentieth": 20}


def several(text: str) -> list[str]:
    """Words that are parted by blanks."""
    return text.split()


def either(words: Iterable[str]) -> str:
    """A pattern of several words, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


# A count (`3`, `three`), a place (`3rd`, `third`), or either.
NUM = rf"(?:\d{{1,10}}|{either(NUMBERS)})"
ORD = rf"(?:\d{{1,4}}(?:st|nd|rd|th)|{either(ORDINALS)})"
NUM_OR_ORD = rf"(?:{ORD}|{NUM})"
SCENE = r"(?:scenes?|panels?|pictures?|images?|pages?|frames?|shots?|pics?|drawings?|illustrations?|scens?|pannels?)"
CANDIDATE = (
    r"(?:candidates?|cands?|variants?|variations?|versions?|options?|alternatives?|takes?|tries|attempts?|"
    r"choices|proposals?|goes"
    r"|samples?|results?|renditions?|canidates?|candiates?)"
)

# Said to be polite or to join; what they add is nothing that the studio could do.
FILLERS = frozenset(
    several(
        """
    a an the of for to in on at with by from and then so as only into onto over across upon about through using via
    please pls plz kindly could can would will you i we us me my our your it's its is are be do does let go ahead
    want wants need needs have has get give now right just again fresh new whole entire full complete each per
    apiece piece hey hi hello ok okay well alright copilot bullpen thanks thank ta cheers here there also too today
    finally quickly soon asap possible run stage pass step phase job lock universe project story world book comic
    issue go-ahead immediately directly straight away kind mind favour favor inclusive , . ; : ! ? & + = ( ) [ ] / -
    """
    )
)

_CONTRACTIONS = (
    ("can't", "can not"),
    ("cannot", "can not"),
    ("won't", "will not"),
    ("n't", " not"),
    ("let's", "let us"),
    ("'ll", " will"),
    ("'re", " are"),
    ("'ve", " have"),
    ("'m", " am"),
    ("'d", " would"),
    ("what's", "what is"),
    ("how's", "how is"),
    ("where's", "where is"),
    ("who's", "who is"),
    ("that's", "that is"),
    ("there's", "there is"),
    ("it's", "it is"),
)
_TOKEN = re.compile(
    r'"[^"]{0,200}"|(?:(?<=\s)|^)[~.]{0,2}/[^\s",;]+|-\d+(?![\w-])|[\w#@%*§](?:[\w\'/*-]|[.](?=\w))*|\S'
)
# Written without their sign, and as people write in haste.
_SHORT = tuple(
    (re.compile(rf"(?<![\w'/.-]){short}(?![\w'/-])"), long)
    for short, long in (
        ("whats", "what is"),
        ("wheres", "where is"),
        ("whos", "who is"),
        ("hows", "how is"),
        ("thats", "that is"),
        ("dont", "do not"),
        ("doesnt", "does not"),
        ("didnt", "did not"),
        ("cant", "can not"),
        ("wont", "will not"),
        ("isnt", "is not"),
        ("im", "i am"),
        ("ive", "i have"),
        ("id like", "i would like"),
        ("u", "you"),
        ("ur", "your"),
        ("wanna", "want to"),
        ("gonna", "going to"),
        ("gimme", "give me"),
        ("lemme", "let me"),
    )
)
TAKEN = "\x00"


def normal(text: str) -> str:
    """A sentence in lower case, without contractions, its tokens parted by one blank each."""
    text = unicodedata.normalize("NFKC", text[:MAX_CHARACTERS]).lower()
    for old, new in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", "-"), ("—", " , "), ("…", " "), ("×", "x")):
        text = text.replace(old, new)
    for short, long in _CONTRACTIONS:
        text = text.replace(short, long)
    text = re.sub(r"(?<=\w)=(?=\S)", " = ", re.sub(r"(?<=\d)'s\b", "", text))
    text = re.sub(r"(?<![\w'])'([^']{2,80})'(?![\w'])", r'"\1"', text)
    for written, meant in _SHORT:
        text = written.sub(meant, text)
    text = re.sub(r"(?<=\d) ?\.{2,3} ?(?=\d)", "-", text)
    text = re.sub(r"\bhalf a dozen\b", "six", re.sub(r"\blets\b", "let us", text))
    text = re.sub(rf"\b({'|'.join(_TENS)}) ({'|'.join(_UNITS.split()[1:10])})\b", r"\1-\2", text)
    text = re.sub(r"(?<!\S)w/ ?", "with ", text)
    text = re.sub(r"(?<!\S)w(?= \S)", "with", text).replace("→", " to ").replace("->", " to ")
    text = re.sub(r"(?<!\S)([sp])(\d{1,3})-[sp]?(\d{1,3})(?!\S)", r"scenes \2-\3", text)
    text = re.sub(r"(?<=[a-z]s )\d{1,3}(?:/\d{1,3})+(?![\w/])", lambda found: found[0].replace("/", " , "), text)
    tokens = _TOKEN.findall(text)
    return " ".join(tokens)


def number(text: str) -> int:
    """The value of what NUM or ORD matched."""
    if text in NUMBERS:
        return NUMBERS[text]
    if text in ORDINALS:
        return ORDINALS[text]
    return int(re.match(r"\d+", text)[0])  # type: ignore[index]  # NUM and ORD begin with digits otherwise


@lru_cache(4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, made once: those of a project's stages and scenes come again with every sentence."""
    return re.compile(pattern)


class Line:
    """A sentence from which parts are taken."""

    def __init__(self, text: str) -> None:
        self.raw = text
        self.text = normal(text)
        self.rest = self.text

    def find(self, pattern: str) -> re.Match[str] | None:
        """Where a pattern stands among what is left, as whole words."""
        return compiled(rf"(?<![^\s\x00])(?:{pattern})(?![^\s\x00])").search(self.rest)

    def take(self, pattern: str) -> re.Match[str] | None:
        """Finds a pattern and takes it."""
        found = self.find(pattern)
        if found is not None:
            self.remove(*found.span())
        return found

    def remove(self, start: int, end: int) -> None:
        """Takes a stretch."""
        self.rest = self.rest[:start] + TAKEN * (end - start) + self.rest[end:]

    def has(self, *words: str) -> bool:
        """Whether one of the words is still there."""
        return any(self.find(re.escape(word)) for word in words)

    def left(self, fillers: Iterable[str] = FILLERS) -> list[str]:
        """What nobody understood, in phrases of words that stood together."""
        phrases: list[str] = []
        for stretch in self.rest.split(TAKEN):
            words = [word for word in stretch.split() if word not in fillers]
            if words:
                phrases.append(" ".join(words))
        return phrases
