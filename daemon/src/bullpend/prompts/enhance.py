"""Enhancing a prompt for a family of models: tag lists for some, sentences for others, one instruction for edit models.

What is added stands in `prompt-styles.json` of the settings folder; no words of a prompt are in the code. The rewriting
itself is plain: phrases are told apart, none is said twice, and what the form wants is added once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from bullpend import settings_files
from bullpend.errors import SettingInvalid
from bullpend.prompts import weights

FILE_NAME = "prompt-styles.json"


class Form(BaseModel):
    """How a family wants to be spoken to. `form` is `tags`, `sentences` or `instruction`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: str
    # Put at the end unless it is there.
    add: list[str] = []
    negative: list[str] = []
    # Phrases that say nothing to this form.
    drop: list[str] = []
    # Around a list of phrases that is to be a sentence: `{first}` and `{rest}`.
    sentence: str = "{first}, {rest}."
    weights: bool = False


class Styles(BaseModel):
    """Forms by name, and which family takes which."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int
    forms: Mapping[str, Form]
    families: Mapping[str, str]
    other: str

    def of(self, family: str) -> Form:
        """The form of a family; of one that is not named, the form of the others."""
        return self.forms[self.families.get(family, self.other)]


@dataclass(frozen=True, slots=True)
class Enhanced:
    """A rewritten prompt, and what a person should know of it."""

    text: str
    negative_text: str
    notes: tuple[str, ...]


def load(path: Path) -> Styles:
    """Reads the forms. Raises SettingInvalid naming the place at fault."""
    styles = settings_files.load(path, Styles)
    for family, form in {**styles.families, "other": styles.other}.items():
        if form not in styles.forms:
            raise SettingInvalid(
                f"{path}: {family} names the form {form}, which is not there.", field=f"families.{family}"
            )
    return styles


def notes_on(text: str, family: str, form: Form) -> tuple[str, ...]:
    """What a model of this family does with the signs in a text."""
    _, weighted = weights.read(text)
    if not weighted or form.weights:
        return ()
    whose = f"Models of the family {family}" if family else "This model"
    said = ", ".join(f"({one.text}:{one.weight:g})" for one in weighted[:3])
    return (f"{whose} ignore weights here: the signs of {said} are taken out before it is made.",)


def enhance(text: str, negative: str, family: str, form: Form) -> Enhanced:
    """The prompt in the family's form."""
    notes = notes_on(text, family, form)
    plain = text if form.weights else weights.read(text)[0]
    phrases = _unique(
        [phrase for phrase in _phrases(plain) if phrase.lower() not in {word.lower() for word in form.drop}]
    )
    dropped = [phrase for phrase in _phrases(plain) if phrase.lower() in {word.lower() for word in form.drop}]
    if dropped:
        notes = (*notes, f"Left out, as it says nothing to this family: {', '.join(_unique(dropped))}.")
    made = {"tags": _tags, "sentences": _sentences, "instruction": _instruction}[form.form](phrases, plain, form)
    unwanted = _unique([*_phrases(negative), *form.negative])
    return Enhanced(made, ", ".join(unwanted), notes)


def _phrases(text: str) -> list[str]:
    """Parts of a text between commas, full stops and line ends; a comma inside of parentheses parts nothing."""
    parts = re.split(r"[,;\n]+(?![^()]*\))|\.(?:\s+|$)", text)
    return [" ".join(part.split()) for part in parts if part.strip()]


def _unique(phrases: list[str]) -> list[str]:
    return list({phrase.lower(): phrase for phrase in reversed(phrases)}.values())[::-1]


def _tags(phrases: list[str], plain: str, form: Form) -> str:
    """A list of short phrases; articles at their beginning say nothing."""
    short = [re.sub(r"^(?:an?|the)\s+", "", phrase, flags=re.IGNORECASE) for phrase in phrases]
    return ", ".join(_unique([*short, *form.add]))


def _sentences(phrases: list[str], plain: str, form: Form) -> str:
    """Whole sentences; what is a list of phrases already becomes one."""
    if len(phrases) > 1 and not re.search(r"\.\s+\S", plain.strip()):
        first, rest = phrases[0], phrases[1:]
        listed = " and ".join([", ".join(rest[:-1]), rest[-1]]) if len(rest) > 1 else rest[0]
        said = form.sentence.format(first=first[:1].upper() + first[1:], rest=listed)
    else:
        said = plain.strip()
        said = said if said.endswith((".", "!", "?")) else f"{said}."
        said = said[:1].upper() + said[1:]
    more = [sentence for sentence in form.add if sentence.lower().rstrip(".") not in said.lower()]
    return " ".join([said, *more])


def _instruction(phrases: list[str], plain: str, form: Form) -> str:
    """One order; an edit model does what the first words say."""
    said = ", ".join(phrases) if phrases else plain.strip()
    said = said[:1].upper() + said[1:]
    return said if said.endswith((".", "!", "?")) else f"{said}."
