"""The manifest: every prompt and every limit of the stages, as data.

`settings/manifest.json` is read once at the start. A mistake in it is refused with the path of the field at fault,
such as `stages.time.predecessor`. No prompt is written anywhere else.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bullpend.errors import FieldInvalid, SettingInvalid
from bullpend.quality.model import JUDGED, Checks, Greyscale, Limits

FILE_NAME = "manifest.json"
STEPS = (1, 200)
SCALE = (0.0, 30.0)
SIZE = (64, 2048)
# Pixels that one cell of the latents covers in every family known here.
SIZE_STEP = 8

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Chroma = Annotated[float, Field(ge=0.0, le=200.0)]
Level = Annotated[float, Field(ge=0.0, le=255.0)]
Variance = Annotated[float, Field(ge=0.0, le=1_000_000.0)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StageDefaults(_Part):
    """Sampling of a stage; null leaves it to the model."""

    steps: Annotated[int, Field(ge=STEPS[0], le=STEPS[1])] | None = None
    guidance_scale: Annotated[float, Field(ge=SCALE[0], le=SCALE[1])] | None = None
    image_guidance_scale: Annotated[float, Field(ge=SCALE[0], le=SCALE[1])] | None = None


class QaLimits(_Part):
    """Limits of the quality checks; null switches a check off.

    Chroma is that of CIE L*a*b* (0 to about 130), the blank limit a standard deviation of 0–255, sharpness a variance;
    structure, coverage, drift and copies are shares. `characters_added` is how many characters the stage adds.
    """

    chroma_soft: Chroma | None = None
    chroma_hard: Chroma | None = None
    greyscale: Annotated[str, Field(pattern="^(off|expect|forbid)$")] = "off"
    blank_std_min: Level | None = None
    structure_f1_soft: Share | None = None
    structure_f1_hard: Share | None = None
    sharpness_soft: Variance | None = None
    sharpness_hard: Variance | None = None
    alpha_coverage_min: Share | None = None
    alpha_coverage_max: Share | None = None
    style_drift_soft: Share | None = None
    style_drift_hard: Share | None = None
    identity_drift_soft: Share | None = None
    identity_drift_hard: Share | None = None
    copy_rate_soft: Share | None = None
    copy_rate_hard: Share | None = None
    characters_added: Annotated[int, Field(ge=0, le=20)] | None = None

    def limits(self) -> Limits:
        """As the quality room takes them."""
        return Limits(**{**self.model_dump(), "greyscale": Greyscale(self.greyscale)})


class Qa(_Part):
    """Quality settings of a stage.

    `edit_share` is the largest share of a picture that may count as a local edit: structure is judged outside of it.
    `judges` are the models that judge `style`, `identity` and `characters`; what none is named for is not measured.
    """

    limits: QaLimits = QaLimits()
    edit_share: Share = 0.0
    judges: dict[Annotated[str, Field(pattern=f"^({'|'.join(JUDGED)})$")], Text] = {}

    def checks(self) -> Checks:
        """As the quality room takes them."""
        return Checks(self.limits.limits(), self.edit_share, dict(self.judges))


class Stage(_Part):
    """One stage: its words, its model, its limits. `variables` maps each name to what it means, in plain words."""

    title: Text
    description: str
    instruction: Text
    negative_prompt: str = ""
    predecessor: str | None = None
    default_model: Text
    capability: Text
    defaults: StageDefaults = StageDefaults()
    default_candidates: Annotated[int, Field(ge=1)]
    variables: dict[Identifier, str]
    qa: Qa = Qa()


class Manifest(_Part):
    """All stages in their order, and the limits of a run."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    safe_batch_limit: Annotated[int, Field(ge=1, le=10_000)]
    candidate_cap: Annotated[int, Field(ge=1, le=64)]
    style_roots: list[str]
    stages: Annotated[dict[Identifier, Stage], Field(min_length=1)]


def template_variables(template: str) -> tuple[str, ...]:
    """Names in braces, in order, each once. Raises ValueError for anything but plain `{name}` and doubled braces."""
    names: dict[str, None] = {}
    for _, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is not a plain variable")
        names[name] = None
    return tuple(names)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables replaced. Raises KeyError for one that has no value."""
    return "".join(
        literal + (values[name] if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(template)
    )


def load(path: Path) -> Manifest:
    """Reads and checks a manifest. Raises SettingInvalid naming the file and the field."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.", field=str(path)) from error
    except ValueError as error:
        raise SettingInvalid(f"{path} is not valid JSON: {error}.", field=str(path)) from error
    return parse(data, str(path))


def parse(data: Any, where: str = FILE_NAME) -> Manifest:
    """Checks a manifest that was read before; `where` names it in errors."""
    try:
        manifest = Manifest.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(where, ".".join(str(part) for part in first["loc"]), first["msg"]) from error
    for name, stage in manifest.stages.items():
        _check_stage(manifest, name, stage, where)
    return manifest


def _wrong(where: str, field: str, message: str) -> SettingInvalid:
    return SettingInvalid(
        f"{where}: {field or 'the whole file'}: {message}.",
        field=field,
        remedy=f"Correct {field} in {where}.",
        file=where,
    )


def _check_stage(manifest: Manifest, name: str, stage: Stage, where: str) -> None:
    at = f"stages.{name}"
    if stage.predecessor is not None and stage.predecessor not in manifest.stages:
        raise _wrong(where, f"{at}.predecessor", f"there is no stage {stage.predecessor!r}")
    seen, before = {name}, stage.predecessor
    while before is not None and before in manifest.stages:
        if before in seen:
            raise _wrong(where, f"{at}.predecessor", f"the stages go in a circle through {before!r}")
        seen.add(before)
        before = manifest.stages[before].predecessor
    for key in ("instruction", "negative_prompt"):
        try:
            names = template_variables(getattr(stage, key))
        except ValueError as error:
            raise _wrong(where, f"{at}.{key}", str(error)) from error
        unknown = [item for item in names if item not in stage.variables]
        if unknown:
            known = ", ".join(stage.variables) or "none"
            raise _wrong(where, f"{at}.{key}", f"unknown variable {{{unknown[0]}}}; the stage has: {known}")
    if stage.default_candidates > manifest.candidate_cap:
        raise _wrong(where, f"{at}.default_candidates", f"exceeds candidate_cap, which is {manifest.candidate_cap}")
    _check_limits(stage.qa.limits, f"{at}.qa.limits", where)


# Pairs of limits of which the first must not exceed the second.
_ORDERED = (
    ("chroma_soft", "chroma_hard"),
    ("structure_f1_hard", "structure_f1_soft"),
    ("sharpness_hard", "sharpness_soft"),
    ("alpha_coverage_min", "alpha_coverage_max"),
    ("style_drift_soft", "style_drift_hard"),
    ("identity_drift_soft", "identity_drift_hard"),
    ("copy_rate_soft", "copy_rate_hard"),
)


def _check_limits(limits: QaLimits, at: str, where: str) -> None:
    for low, high in _ORDERED:
        least, most = getattr(limits, low), getattr(limits, high)
        if least is None or most is None or least <= most:
            continue
        if low.endswith("_hard"):
            raise _wrong(where, f"{at}.{high}", f"must not be below {low}")
        raise _wrong(where, f"{at}.{low}", f"must not exceed {high}")


def check_template(template: str, stage: Stage, field: str) -> tuple[str, ...]:
    """Variables of a person's own template. Raises FieldInvalid naming `field` when it is malformed."""
    try:
        return template_variables(template)
    except ValueError as error:
        raise FieldInvalid(
            f"The instruction is malformed: {error}.",
            field=field,
            remedy=f"Write variables as {{name}}, such as {{{next(iter(stage.variables), 'style')}}}.",
        ) from error
