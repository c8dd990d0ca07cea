"""What `postprocess.json` and `color-correction.json` say: the steps with their defaults, and the colour profiles.

Both are read anew for each use, so that a profile can be tuned by eye without a restart. A mistake is refused with the
path of the field at fault. A `color-correction.json` in the daemon's home adds profiles, or replaces those of the same
name; a `postprocess.json` there replaces the other as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bullpend import settings_files

CHAIN_FILE = "postprocess.json"
COLOUR_FILE = "color-correction.json"
# Daylight of the screen's white; the formula of daylight holds between the bounds.
NEUTRAL_KELVIN, LOWEST_KELVIN, HIGHEST_KELVIN = 6504.0, 4000.0, 25_000.0
LARGEST_SCALE = 8

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Strength = Annotated[float, Field(ge=0.05, le=1.0)]
Factor = Annotated[float, Field(ge=0.0, le=4.0)]
Power = Annotated[float, Field(ge=0.25, le=4.0)]
Lift = Annotated[float, Field(ge=-0.5, le=0.5)]
Version = Annotated[int, Field(ge=1, le=1)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cutout(_Part):
    """Taking the background away; an empty model takes the first by name that can, and where none can the `fallback`,
    a provider's model, which costs money. A cutout that covers less of the picture than `coverage_min`, or more than
    `coverage_max`, is told as a finding; null tells nothing.
    """

    enabled: bool = True
    model: str = ""
    fallback: str = ""
    coverage_min: Share | None = 0.02
    coverage_max: Share | None = 0.98

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        least, most = self.coverage_min, self.coverage_max
        if least is not None and most is not None and least > most:
            raise ValueError("coverage_min must not exceed coverage_max")
        return self


class Refine(_Part):
    """Cleaning a cutout's edge. With a model, one that can do `img2img`, a band at it is redrawn first, `strength` of
    the way from the picture to noise.
    """

    enabled: bool = True
    softness: Share = 0.6
    model: str = ""
    strength: Strength = 0.2


class Upscale(_Part):
    """Enlarging; scale 0 takes the model's largest."""

    enabled: bool = True
    model: str = ""
    scale: Annotated[int, Field(ge=0, le=LARGEST_SCALE)] = 2


class Color(_Part):
    """Colour; a strength of null takes that of the profile."""

    enabled: bool = True
    profile: Identifier = "neutral"
    strength: Share | None = None


class Chain(_Part):
    """The four steps, in the order in which they act."""

    schema_version: Version
    cutout: Cutout = Cutout()
    refine: Refine = Refine()
    upscale: Upscale = Upscale()
    color: Color = Color()


class Profile(_Part):
    """A colour profile; the defaults change nothing. Triples are red, green, blue.

    `exposure` in stops; `white_kelvin` and `tint_duv` name the white that grey becomes; `lut` is a .cube file below the
    folder of the settings file.
    """

    title: str = ""
    description: str = ""
    exposure: Annotated[float, Field(ge=-6.0, le=6.0)] = 0.0
    white_kelvin: Annotated[float, Field(ge=LOWEST_KELVIN, le=HIGHEST_KELVIN)] = NEUTRAL_KELVIN
    tint_duv: Annotated[float, Field(ge=-0.03, le=0.03)] = 0.0
    contrast: Power = 1.0
    lift: Annotated[list[Lift], Field(min_length=3, max_length=3)] = [0.0, 0.0, 0.0]
    gamma: Annotated[list[Power], Field(min_length=3, max_length=3)] = [1.0, 1.0, 1.0]
    gain: Annotated[list[Factor], Field(min_length=3, max_length=3)] = [1.0, 1.0, 1.0]
    saturation: Factor = 1.0
    strength: Share = 1.0
    lut: str | None = None


class _Profiles(_Part):
    schema_version: Version
    profiles: dict[Identifier, Profile]


@dataclass(frozen=True, slots=True)
class Known:
    """A profile with the file that it comes from."""

    name: str
    profile: Profile
    source: Path

    @property
    def lut_path(self) -> Path | None:
        """Where its lookup table lies."""
        return self.source.parent / self.profile.lut if self.profile.lut else None


def chain(folders: Sequence[Path]) -> Chain:
    """The steps; the last folder that has the file counts, none gives the defaults. Raises SettingInvalid."""
    for folder in reversed(folders):
        if (folder / CHAIN_FILE).is_file():
            return settings_files.load(folder / CHAIN_FILE, Chain)
    return Chain(schema_version=1)


def profiles(folders: Sequence[Path]) -> dict[str, Known]:
    """The colour profiles by name; those of later folders replace earlier ones. Raises SettingInvalid."""
    found: dict[str, Known] = {}
    for folder in folders:
        path = folder / COLOUR_FILE
        if not path.is_file():
            continue
        for name, profile in settings_files.load(path, _Profiles).profiles.items():
            lut = PurePosixPath(profile.lut or "")
            if lut.is_absolute() or ".." in lut.parts or (profile.lut and lut.suffix.lower() != ".cube"):
                raise settings_files.wrong(
                    path, f"profiles.{name}.lut", "names no .cube file below the folder of the settings"
                )
            found[name] = Known(name, profile, path)
    return dict(sorted(found.items()))
