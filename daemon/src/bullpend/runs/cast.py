"""What of the bible acts on a picture, and where each part was taken from. Pure functions.

A scene names its characters. Where the words in force speak of a character, or the stage has a variable for one, the
character brings its own LoRAs and what must not be seen of it; in every stage its pictures are what the result is held
against, beside those of the style guide. All of it is settled when a run is planned, shown in the plan, and kept with
the job: whatever happens to the bible later, the run, its retry and its replay see what was planned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from bullpend.errors import BullpenError, LimitExceeded, ReferenceSetEmpty
from bullpend.models.model import LORA, Model
from bullpend.models.rules import fits, require
from bullpend.runs import loras
from bullpend.runs.model import Lora, LoraUse

# Variables that a scene's characters fill.
CHARACTER, CHARACTERS, NEGATIVE = "character", "characters", "character_negative"
OF_CHARACTERS = (CHARACTER, CHARACTERS, NEGATIVE)
# Reference pictures of one subject that a picture is held against; more cost time and tell little.
MOST_REFERENCES = 8
# Characters of one scene whose likeness is measured.
MOST_HELD = 6
STYLE, IDENTITY = "style", "identity"


class Part(StrEnum):
    """What something of the bible is for; the names are those of bullpen.v1.BibleUse.Part."""

    INSTRUCTION = "INSTRUCTION"
    NEGATIVE_PROMPT = "NEGATIVE_PROMPT"
    VARIABLE = "VARIABLE"
    LORA = "LORA"
    STYLE_REFERENCE = "STYLE_REFERENCE"
    IDENTITY_REFERENCE = "IDENTITY_REFERENCE"
    CHOICES = "CHOICES"


SUBJECTS = {Part.STYLE_REFERENCE: STYLE, Part.IDENTITY_REFERENCE: IDENTITY}


@dataclass(frozen=True, slots=True)
class Use:
    """One part of what acts on a picture. `source` is a resource's name, a stage's, or empty for the request itself.

    `item` is a variable, a LoRA or an asset; `value` its value, the LoRA's scale, or the asset's SHA-256. `subject` is
    the character that a reference shows.
    """

    part: Part
    item: str
    value: str
    source: str
    subject: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON, for the database, the recipe and the run log; a subject only where there is one, so that what was
        made before there were any is repeated to the byte.
        """
        said = {"part": self.part.value, "item": self.item, "value": self.value, "source": self.source}
        return {**said, "subject": self.subject} if self.subject else said


@dataclass(frozen=True, slots=True)
class Reference:
    """A picture that results are held against: its asset, its hash, and the resource that names it."""

    asset: str
    sha256: str
    source: str


@dataclass(frozen=True, slots=True)
class Member:
    """A character that a scene names. One in the trash has no words and brings nothing. `empty_set` is the name of a
    reference set without items, where it names one.
    """

    name: str
    words: str
    negative: str = ""
    loras: tuple[LoraUse, ...] = ()
    references: tuple[Reference, ...] = ()
    empty_set: str = ""

    @property
    def slug(self) -> str:
        """Its id."""
        return self.name.rsplit("/", 1)[-1]


def references(groups: Iterable[Sequence[Reference]]) -> tuple[Reference, ...]:
    """The first pictures of several groups, each once."""
    found: dict[str, Reference] = {}
    for group in groups:
        for item in group:
            found.setdefault(item.asset, item)
    return tuple(found.values())[:MOST_REFERENCES]


def without_items(reference_set: str, user: str, field: str) -> ReferenceSetEmpty:
    """The error for a set that results are to be held against and that has nothing to hold them against."""
    return ReferenceSetEmpty(
        f"{user} names the reference set {reference_set}, which has no items.",
        field=field,
        remedy="Give the set a picture, or name another one.",
        users=user,
    )


def values(cast: Sequence[Member]) -> dict[str, tuple[str, str]]:
    """What a scene's characters give to templates, by variable: value and character. The first one comes before all.

    One in the trash has no words: a stage that needs them says so, and no other takes its place.
    """
    found: dict[str, tuple[str, str]] = {}
    if cast:
        found[CHARACTER] = (cast[0].words, cast[0].name)
        if cast[0].negative:
            found[NEGATIVE] = (cast[0].negative, cast[0].name)
    present = [member for member in cast if member.words]
    if present:
        found[CHARACTERS] = (" and ".join(member.words for member in present), present[0].name)
    return found


def drawn(declared: Iterable[str], used: Iterable[str]) -> bool:
    """Whether characters are drawn: the stage has a variable for one, or the words in force speak of one."""
    return bool({*declared, *used} & set(OF_CHARACTERS))


@dataclass(frozen=True, slots=True)
class Worn:
    """The LoRAs of one picture in their order, where each came from (empty: the request), and what was left out."""

    loras: tuple[Lora, ...]
    sources: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def wear(
    asked: Sequence[Lora], cast: Sequence[Member], models: Mapping[str, Model | BullpenError], base: Model
) -> Worn:
    """The request's LoRAs, then those of the characters; `models` are theirs by the names that the bible gives.

    One that the request names has the request's scale. One that was made for another model is left out: a character
    may have one for each model. Raises ModelNotFound, ModelCorrupt, ModelUnsafe, ModelUnsupported or LimitExceeded,
    naming the path.
    """
    found = {lora.name: (lora, "") for lora in asked}
    left_out = []
    for member in cast:
        for index, use in enumerate(member.loras):
            field, model = f"characters.{member.slug}.loras[{index}].model", models[use.model]
            if isinstance(model, BullpenError):
                model.field = field
                raise model
            require(model, LORA, field)
            if model.name in found:
                continue
            if base.engine != "torch":
                left_out.append(f"{model.name} of {member.slug}: {base.name} runs on an engine that takes no LoRA")
            elif not fits(model, base):
                left_out.append(
                    f"{model.name} of {member.slug}: it was made for {model.base_model or 'no known model'}"
                )
            else:
                found[model.name] = (Lora(model.name, model.digest, use.scale), member.name)
    if len(found) > loras.MOST:
        raise LimitExceeded(
            f"{len(found)} LoRAs would act at once, and at most {loras.MOST} may.",
            field="loras",
            remedy="Ask for fewer, or take some from the characters.",
            limit=loras.MOST,
        )
    return Worn(
        tuple(lora for lora, _ in found.values()), tuple(source for _, source in found.values()), tuple(left_out)
    )


def of_loras(worn: Worn) -> tuple[Use, ...]:
    """What LoRAs act, and whose they are."""
    return tuple(
        Use(Part.LORA, lora.name, f"{lora.scale:g}", source)
        for lora, source in zip(worn.loras, worn.sources, strict=True)
    )


def held_against(style: Sequence[Reference], cast: Sequence[Member]) -> tuple[Use, ...]:
    """The pictures that a result is held against: the style's, and those of each character that the scene names.

    Raises ReferenceSetEmpty naming the path.
    """
    for member in cast:
        if member.empty_set:
            raise without_items(member.empty_set, member.name, f"characters.{member.slug}.reference_set")
    of_style = [Use(Part.STYLE_REFERENCE, item.asset, item.sha256, item.source) for item in style]
    of_cast = [
        Use(Part.IDENTITY_REFERENCE, item.asset, item.sha256, item.source, member.name)
        for member in cast[:MOST_HELD]
        for item in member.references
    ]
    return (*of_style, *of_cast)


def known(uses: Iterable[Use]) -> int:
    """How many characters of the scene a picture is held against."""
    return len({use.subject for use in uses if use.part is Part.IDENTITY_REFERENCE})


def to_json(uses: Sequence[Use]) -> str:
    """As the database keeps them."""
    return json.dumps([use.to_dict() for use in uses], ensure_ascii=False)


def from_dicts(items: Iterable[Mapping[str, Any]]) -> tuple[Use, ...]:
    """The reverse of `Use.to_dict`, for several."""
    return tuple(
        Use(
            Part(item["part"]),
            str(item["item"]),
            str(item["value"]),
            str(item["source"]),
            str(item.get("subject", "")),
        )
        for item in items
    )


@lru_cache(maxsize=256)
def from_json(text: str) -> tuple[Use, ...]:
    """The reverse of `to_json`."""
    return from_dicts(json.loads(text))


def variables(uses: Iterable[Use]) -> dict[str, str]:
    """The values of the variables among them, by name."""
    return {use.item: use.value for use in uses if use.part is Part.VARIABLE}
