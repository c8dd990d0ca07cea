"""The closed list of findings in words: what each means, what helps, and the measure that it is decided by."""

from __future__ import annotations

from dataclasses import dataclass

from bullpend.quality import model
from bullpend.quality.model import FindingKind


@dataclass(frozen=True, slots=True)
class Words:
    """A kind of finding for people: a title, what it means and what helps, and its measure."""

    title: str
    meaning: str
    measure: str


KINDS: dict[FindingKind, Words] = {
    FindingKind.BLANK: Words(
        "Blank",
        "The picture is nearly one flat tone. Try another seed, or a lower guidance.",
        model.BLANK,
    ),
    FindingKind.NOT_FINITE: Words(
        "Broken values",
        "Values were no numbers before they were rounded: the engine broke down. Try a lower guidance.",
        model.NOT_FINITE,
    ),
    FindingKind.CHROMA: Words(
        "Colours too strong",
        "The mean chroma is above the stage's limit. A lower guidance calms colours.",
        model.CHROMA,
    ),
    FindingKind.GREYSCALE: Words(
        "Grey or not",
        "The stage wants grey pictures and this one has colour, or the other way round.",
        model.CHROMA,
    ),
    FindingKind.STRUCTURE: Words(
        "Left its source",
        "The edges are not those of the source, outside of a local edit. A higher image guidance keeps more of it.",
        model.STRUCTURE_F1,
    ),
    FindingKind.SIZE: Words(
        "Wrong size",
        "The picture has another size than the one that was asked for.",
        model.WIDTH,
    ),
    FindingKind.SHARPNESS: Words(
        "Soft",
        "The picture has less detail than the stage allows. More steps may help.",
        model.SHARPNESS,
    ),
    FindingKind.ALPHA_COVERAGE: Words(
        "Cutout failed",
        "The cutout kept almost nothing, or almost everything. Try another cutout model.",
        model.ALPHA_COVERAGE,
    ),
    FindingKind.IDENTITY: Words(
        "Somebody else",
        "The character does not look like its references. Try another seed, or a LoRA of the character.",
        model.IDENTITY_DRIFT,
    ),
    FindingKind.STYLE: Words(
        "Other style",
        "The picture is not drawn like the anchors of the style guide. Try another seed, or a higher guidance.",
        model.STYLE_DRIFT,
    ),
    FindingKind.COPY: Words(
        "Copied",
        "Much of the picture is a reference, pixel for pixel. Its likeness does not count as consistency.",
        model.COPY_RATE,
    ),
    FindingKind.CHARACTER_COUNT: Words(
        "Wrong number of characters",
        "Somebody is missing, or there is one too many, compared with the source and what the stage adds.",
        model.CHARACTER_CHANGE,
    ),
    FindingKind.MEASURE_FAILED: Words(
        "Not measured",
        "A measure could not be taken. The picture was kept; the message says which one and why.",
        "",
    ),
}
