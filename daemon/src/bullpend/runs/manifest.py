"""The manifest: every prompt and every limit of the stages, as data.

`settings/manifest.json` is read once at the start; a project may have an own part, which is laid over it
(`manifests.py`). A mistake in either is refused with the path of the field at fault, such as
`stages.time.predecessor`: what a field alone can tell here, what fields say together in `manifest_rules.py`. No prompt
is written anywhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bullpend import settings_files
from bullpend.errors import FieldInvalid
from bullpend.quality.model import JUDGED, Checks, Greyscale, Limits
from bullpend.runs import manifest_rules
from bullpend.runs.templating import fill as fill
from bullpend.runs.templating import template_variables as template_variables

FILE_NAME = "manifest.json"
STEPS = (1, 200)
SCALE = (0.0, 30.0)
SIZE = (64, 2048)
# Of the way from the source to noise that an edit goes; below, nothing is denoised.
STRENGTH = (0.05, 1.0)
# How strongly a drawing or a reference steers.
SHARE_SCALE = (0.0, 2.0)
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
    """Sampling of a stage; null leaves it to the model, or to the strategy (`strategies.py`)."""

    steps: Annotated[int, Field(ge=STEPS[0], le=STEPS[1])] | None = None
    guidance_scale: Annotated[float, Field(ge=SCALE[0], le=SCALE[1])] | None = None
    image_guidance_scale: Annotated[float, Field(ge=SCALE[0], le=SCALE[1])] | None = None
    strength: Annotated[float, Field(ge=STRENGTH[0], le=STRENGTH[1])] | None = None
    control_scale: Annotated[float, Field(ge=SHARE_SCALE[0], le=SHARE_SCALE[1])] | None = None
    reference_scale: Annotated[float, Field(ge=SHARE_SCALE[0], le=SHARE_SCALE[1])] | None = None


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


def _several(value: Any) -> Any:
    """One name, or a list of names, as a tuple; null is none."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


# In the file: a name, or a list of names in order of preference.
Names = Annotated[tuple[str, ...], BeforeValidator(_several)]


class Mask(_Part):
    """Where an inpainting stage paints: boxes by the value of a variable, as shares (left, top, right, bottom).

    `feather` is how far its border is softened, as a share of the longer side.
    """

    variable: Identifier
    boxes: dict[Text, list[Share]]
    feather: Annotated[float, Field(ge=0.0, le=0.25)] = 0.02


class Stage(_Part):
    """One stage: its words, its model, its limits. `variables` maps each name to what it means, in plain words.

    `predecessors` are the stages from whose accepted pictures it may start, the preferred one first; `strategies` are
    the ways to make its pictures, of which the first one is taken that the model can do.
    """

    title: Text
    description: str
    instruction: Text
    negative_prompt: str = ""
    predecessors: Names = Field(default=(), alias="predecessor")
    default_model: Text
    strategies: Names = Field(default=(), alias="strategy")
    may_change: Names = ()
    must_keep: Names = ()
    defaults: StageDefaults = StageDefaults()
    default_candidates: Annotated[int, Field(ge=1)]
    variables: dict[Identifier, str]
    mask: Mask | None = None
    qa: Qa = Qa()

    @model_validator(mode="before")
    @classmethod
    def _named_by_capability(cls, data: Any) -> Any:
        """Manifests from before there were strategies name the capability that the model must have."""
        if isinstance(data, dict) and "capability" in data:
            given = {key: value for key, value in data.items() if key != "capability"}
            return {"strategy": data["capability"], **given}
        return data

    @property
    def predecessor(self) -> str | None:
        """The preferred stage to start from; None for a stage that starts from the scenes' own pictures."""
        return self.predecessors[0] if self.predecessors else None


class Manifest(_Part):
    """All stages in their order, and the limits of a run."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    safe_batch_limit: Annotated[int, Field(ge=1, le=10_000)]
    candidate_cap: Annotated[int, Field(ge=1, le=64)]
    style_roots: list[str]
    stages: Annotated[dict[Identifier, Stage], Field(min_length=1)]


def load(path: Path) -> Manifest:
    """Reads and checks a manifest. Raises SettingInvalid naming the file and the field."""
    return parse(settings_files.read(path), str(path))


def parse(data: Any, where: str = FILE_NAME) -> Manifest:
    """Checks a manifest that was read before; `where` names it in errors. Raises SettingInvalid."""
    manifest = settings_files.check(data, Manifest, where)
    for field, problem in manifest_rules.problems(manifest):
        raise settings_files.wrong(where, field, problem)
    return manifest


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
