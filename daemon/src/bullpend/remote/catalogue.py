"""The remote models and their prices: data in `remote.json`, read anew for each use.

A price carries the day on which it was looked up, because it is the provider's to change. A `remote.json` in the
daemon's home adds models, or replaces those of the same name: one's own rate, or a service that speaks OpenAI's
protocol. A mistake is refused with the path of the field at fault.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from bullpend import settings_files
from bullpend.costs.model import Money
from bullpend.errors import FieldInvalid, ModelNotFound, SettingInvalid
from bullpend.models.model import INPAINT, INSTRUCTION_EDIT, REFERENCE, TEXT_TO_IMAGE, Model, ModelState

log = structlog.get_logger("remote")

FILE_NAME = "remote.json"
PREFIX = "models/"
ENGINE = "remote"
CUTOUT = "cutout"
Providers = Literal["openai", "openai_compatible", "photoroom", "remove_bg"]
Capability = Literal["instruction_edit", "text_to_image", "inpaint", "reference", "cutout"]
Unit = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,9})?$")]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$")]
_NAME = re.compile(r"(?P<model>[a-z_]+:[A-Za-z0-9._-]+)(?:@(?P<account>[A-Za-z0-9._/-]+))?")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rate(_Part):
    """`amount` for so many units (`of`)."""

    amount: Amount
    of: Annotated[int, Field(ge=1)] = 1


class Price(_Part):
    """Rates by unit, and how many units a picture is expected to need. `as_of` is the day of the look-up at `source`.

    `assumption` says what was assumed where the provider publishes no one rate; it is told with every price.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "USD"
    as_of: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    source: Annotated[str, Field(pattern=r"^(https://\S{4,300})?$")] = ""
    assumption: Annotated[str, Field(max_length=300)] = ""
    rates: Annotated[dict[Unit, Rate], Field(min_length=1)]
    estimate: dict[Unit, Annotated[float, Field(ge=0)]]
    estimate_by_size: dict[Size, dict[Unit, Annotated[float, Field(ge=0)]]] = {}
    # What each picture that steers needs besides.
    estimate_by_reference: dict[Unit, Annotated[float, Field(ge=0)]] = {}

    @property
    def dated(self) -> str:
        """The day of the price and where it was found, in words."""
        return f"as of {self.as_of}" + (f" by {self.source}" if self.source else "")

    def cost(self, units: Mapping[str, float]) -> Money:
        """What so many units cost; units without a rate cost nothing."""
        total = sum(
            (Decimal(rate.amount) / rate.of * Decimal(str(units.get(unit, 0))) for unit, rate in self.rates.items()),
            Decimal(0),
        )
        return Money.of(self.currency, total)

    def expected(self, size: str = "", references: int = 0) -> Money:
        """The estimate for one picture of this size, with so many that steer."""
        alone = self.cost({**self.estimate, **self.estimate_by_size.get(size, {})})
        return alone.plus(self.cost(self.estimate_by_reference).times(references))


class Entry(_Part):
    """One remote model. `model` is the provider's own name; `parameters` are sent along as they are.

    `negative_words` are added to the words where something must not be seen, with `{negative_prompt}` for what that is,
    and `reference_words` where pictures steer.
    """

    title: str
    provider: Providers
    model: str
    capabilities: Annotated[list[Capability], Field(min_length=1)]
    sizes: list[Size] = []
    parameters: dict[str, str] = {}
    negative_words: Annotated[str, Field(max_length=1000)] = ""
    reference_words: Annotated[str, Field(max_length=1000)] = ""
    most_megapixels: Annotated[float, Field(gt=0, le=1000)] = 25.0
    note: str = ""
    price: Price

    @property
    def most_pixels(self) -> int:
        """Of a picture that is sent as it is."""
        return int(self.most_megapixels * 1_000_000)

    def words(self, prompt: str, negative: str, references: int) -> str:
        """What is sent as the prompt, each part on a line of its own."""
        parts = [prompt]
        if negative and self.negative_words:
            parts.append(self.negative_words.replace("{negative_prompt}", negative))
        if references and self.reference_words:
            parts.append(self.reference_words)
        return "\n".join(parts)

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """The size of this model whose shape is nearest; of equal ones the smallest that is large enough."""
        sizes = [(int(w), int(h)) for w, _, h in (text.partition("x") for text in self.sizes)] or [(width, height)]

        def misfit(size: tuple[int, int]) -> tuple[float, bool, int]:
            shape, wanted = size[0] / size[1], width / height
            small = size[0] < width or size[1] < height
            return (round(max(shape, wanted) / min(shape, wanted), 4), small, size[0] * size[1])

        return min(sizes, key=misfit)


class _File(_Part):
    schema_version: Annotated[int, Field(ge=1, le=1)]
    models: dict[Annotated[str, Field(pattern=r"^[a-z_]+:[A-Za-z0-9._-]{1,80}$")], Entry]


def is_remote(name: str) -> bool:
    """Whether a model's name is one of a provider's: `openai:gpt-image-1`, with or without `models/` before it."""
    return _NAME.fullmatch(name.removeprefix(PREFIX)) is not None


def split(name: str) -> tuple[str, str]:
    """Model and account of a name such as `models/openai:gpt-image-1@studio`; the account may be empty.

    Raises FieldInvalid.
    """
    found = _NAME.fullmatch(name.removeprefix(PREFIX))
    if found is None:
        raise FieldInvalid(f"{name[:100]!r} names no remote model.", field="model", remedy="Give provider:model.")
    return found["model"], found["account"] or ""


def canvas(model: Model) -> tuple[int, int]:
    """The size that a model's pictures have where none is asked for."""
    return model.default_width, model.default_height


class Catalogue:
    """The remote models. `folders` hold the settings files, the weakest first. Blocking: reads small files."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def entries(self) -> dict[str, Entry]:
        """Every model by its name without `models/`. Raises SettingInvalid."""
        found: dict[str, Entry] = {}
        for folder in self._folders:
            path = folder / FILE_NAME
            if path.is_file():
                found |= settings_files.load(path, _File).models
        return dict(sorted(found.items()))

    def entry(self, name: str) -> Entry:
        """One model by its name, with or without account. Raises ModelNotFound, SettingInvalid."""
        wanted, _ = split(name)
        entries = self.entries()
        if wanted not in entries:
            raise ModelNotFound(
                f"There is no remote model {wanted} with a known price.",
                field="model",
                remedy=f"Choose one of {', '.join(entries) or 'none'}, or add it with its price to {FILE_NAME} in the "
                "daemon's home.",
                model=name,
            )
        return entries[wanted]

    def models(self) -> tuple[Model, ...]:
        """All of them as the models room lists models; none where the file is wrong.

        A slip in a price must not hold up work that costs nothing: whoever names a remote model hears of it, and so
        does `bullpen doctor`.
        """
        try:
            return tuple(describe(name, entry) for name, entry in self.entries().items())
        except SettingInvalid as error:
            log.warning("catalogue.invalid", message=error.message)
            return ()

    def model(self, name: str) -> Model:
        """One of them; its name keeps the account that was given. Raises ModelNotFound, SettingInvalid."""
        return describe(name.removeprefix(PREFIX), self.entry(name))


def describe(name: str, entry: Entry) -> Model:
    """An entry as a model. Its digest stands for everything that decides what is sent, but for prices."""
    sized = {INSTRUCTION_EDIT, TEXT_TO_IMAGE, INPAINT, REFERENCE} & set(entry.capabilities)
    width, height = entry.size_for(1024, 1024) if sized else (0, 0)
    words = [entry.negative_words, entry.reference_words]
    settings = json.dumps([entry.provider, entry.model, sorted(entry.parameters.items()), entry.sizes, words])
    return Model(
        name=PREFIX + name,
        title=entry.title + (f" – {entry.note}" if entry.note else ""),
        state=ModelState.READY,
        family=entry.provider,
        licence="",
        path="",
        size_bytes=0,
        capabilities=tuple(entry.capabilities),
        default_width=width,
        default_height=height,
        default_steps=1 if sized else 0,
        default_guidance_scale=1.0,
        default_image_guidance_scale=1.0,
        engine=ENGINE,
        digest=hashlib.sha256(settings.encode()).hexdigest(),
    )


def price_words(entry: Entry) -> str:
    """The price as a person reads it."""
    rates = ", ".join(
        f"{rate.amount} {entry.price.currency} for {f'{rate.of:,}' if rate.of > 1 else 'each of the'} "
        f"{unit.replace('_', ' ')}"
        for unit, rate in entry.price.rates.items()
    )
    assumed = f"; {entry.price.assumption}" if entry.price.assumption else ""
    return f"about {entry.price.expected()} a picture ({rates}; {entry.price.dated}{assumed})"
