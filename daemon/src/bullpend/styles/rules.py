"""From tags to words for a look, and what two looks do not share. Pure; the words stand in `style-reading.json`."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bullpen_api.v1 import bible_pb2, style_pb2
from pydantic import BaseModel, ConfigDict, Field

from bullpend import settings_files
from bullpend.errors import LanguageEngineFailed

FILE_NAME = "style-reading.json"
MOST_CAPTION, MOST_KEYWORD = 500, 60
# Of a value that is put into an instruction.
MOST_VALUE = 200


class Words(BaseModel):
    """How tags become words: which head gives which variable, which heads tell of the look, and how sure is sure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    variables: Mapping[str, str]
    keyword_heads: Sequence[str]
    least_share: float = Field(ge=0, le=1)
    most_keywords: int = Field(ge=1, le=50)
    description: str
    prompt: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A word of a head: its mean share over the pictures, and in how many of them it was the surest."""

    head: str
    word: str
    share: float
    pictures: int


@dataclass(frozen=True, slots=True)
class Said:
    """What a language model says of a look."""

    caption: str
    keywords: tuple[str, ...]


def load(path: Path) -> Words:
    """Reads the file. Raises SettingInvalid naming the place at fault."""
    return settings_files.load(path, Words)


def gathered(pictures: Sequence[Iterable[tuple[str, str, float]]]) -> list[Tag]:
    """(head, word, share) of several pictures as tags, the surest first. The share is over all of the pictures."""
    shares: defaultdict[tuple[str, str], float] = defaultdict(float)
    seen: Counter[tuple[str, str]] = Counter()
    for found in pictures:
        for head, word, share in found:
            shares[head, word] += share
            seen[head, word] += 1
    tags = [Tag(*key, share / len(pictures), seen[key]) for key, share in shares.items()]
    return sorted(tags, key=lambda tag: (-tag.share, tag.head, tag.word))


def reading(tags: Sequence[Tag], count: int, words: Words, said: Said | None) -> style_pb2.StyleReading:
    """Keywords, notes, and the style guide that would say so; anchors and model are the caller's."""
    sure = [tag for tag in tags if tag.head in words.keyword_heads and tag.share >= words.least_share]
    keywords = list(dict.fromkeys([*(tag.word for tag in sure), *(said.keywords if said else ())]))
    keywords = keywords[: words.most_keywords]
    made = style_pb2.StyleReading(
        tags=[style_pb2.StyleTag(head=t.head, word=t.word, share=t.share, pictures=t.pictures) for t in tags],
        keywords=keywords,
        caption=said.caption if said else "",
    )
    for head in words.keyword_heads:
        several = [tag for tag in tags if tag.head == head]
        if several and several[0].share < words.least_share:
            all_of_them = ", ".join(f"{tag.word} {tag.share:.0%}" for tag in several[:4])
            made.notes.append(f"No word for {head} is sure enough ({all_of_them}).")
        elif several and several[0].pictures < count:
            made.notes.append(f"The pictures do not agree in {head}: {', '.join(tag.word for tag in several)}.")
    guide = made.style_guide
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    if keywords:
        guide.description = words.description.format(count=pictures, keywords=", ".join(keywords))
        guide.title = keywords[0].capitalize()
    for head, variable in words.variables.items():
        own = [tag.word for tag in sure if tag.head == head][:1]
        # A value is a whole word or none: it is put into an instruction as it stands.
        value = ""
        for word in dict.fromkeys([*own, *(said.keywords if said else ())]):
            longer = f"{value}, {word}" if value else word
            value = longer if len(longer) <= MOST_VALUE else value
        if value:
            guide.variables[variable] = value
    if said and said.caption:
        guide.description = f"{guide.description} {said.caption}".strip()
    if not guide.variables:
        made.notes.append("The guide has no value yet; give one before it is kept.")
    return made


def read_answer(text: str, words: Words) -> Said:
    """The language model's JSON, also inside a fence. Raises LanguageEngineFailed for anything else."""
    found = re.search(r"\{.*\}", text[:20_000], re.DOTALL)
    try:
        told = json.loads(found[0]) if found else None
    except (ValueError, RecursionError):
        told = None
    keywords = told.get("keywords") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(keywords, list):
        raise LanguageEngineFailed("The language model did not answer with keywords.")
    plain = [_plain(item, MOST_KEYWORD) for item in keywords if isinstance(item, str)]
    kept = tuple(dict.fromkeys(word for word in plain if word))[: words.most_keywords]
    return Said(_plain(str(told.get("caption") or ""), MOST_CAPTION), kept)


def _plain(text: str, most: int) -> str:
    """One line without control signs and without the signs of templates."""
    kept = "".join(sign if sign.isprintable() and sign not in "{}" else " " for sign in text)
    return " ".join(kept.split())[:most].strip()


def compared(first: bible_pb2.StyleGuide, second: bible_pb2.StyleGuide) -> style_pb2.StyleComparison:
    """Values and words of two guides."""
    made = style_pb2.StyleComparison()
    for variable in sorted({*first.variables, *second.variables}):
        one, other = first.variables.get(variable, ""), second.variables.get(variable, "")
        if one != other:
            made.differences.add(variable=variable, first=one, second=other)
    ours, theirs = _words_of(first), _words_of(second)
    made.shared_words.extend(word for word in ours if word in theirs)
    made.first_words.extend(word for word in ours if word not in theirs)
    made.second_words.extend(word for word in theirs if word not in ours)
    return made


def _words_of(guide: bible_pb2.StyleGuide) -> list[str]:
    """Words of a guide's values, each once."""
    texts = [guide.variables[key] for key in sorted(guide.variables)]
    parts = [part.strip().lower() for text in texts for part in re.split(r"[,;]", text)]
    return list(dict.fromkeys(part for part in parts if part))


def likeness(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> float:
    """Cosine of the middles of two groups of points, −1 to 1."""
    one, other = _middle(first), _middle(second)
    return max(-1.0, min(1.0, sum(a * b for a, b in zip(one, other, strict=True))))


def _middle(points: Sequence[Sequence[float]]) -> list[float]:
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    length = math.sqrt(sum(value * value for value in middle)) or 1.0
    return [value / length for value in middle]
