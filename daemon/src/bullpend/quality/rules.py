"""Decisions of the quality room: findings from measures. Pure functions; the order of candidates is in `ranking`.

Every check reads one measure and its limits. Without the measure, or without the limit, it finds nothing. A measure
that could not be taken is a soft finding of its own: it must be seen, and it must not cost the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from bullpend.quality.model import (
    ALPHA_COVERAGE,
    BLANK,
    CHARACTER_CHANGE,
    CHROMA,
    COPY_RATE,
    HEIGHT,
    IDENTITY_DRIFT,
    NOT_FINITE,
    SHARPNESS,
    STRUCTURE_F1,
    STYLE_DRIFT,
    WIDTH,
    Finding,
    FindingKind,
    Greyscale,
    Limits,
    Measured,
    QualityReport,
    Severity,
)


def assess(measured: Measured, limits: Limits, *, expected_size: tuple[int, int] | None = None) -> QualityReport:
    """Findings of one picture by the stage's limits; `expected_size` is (width, height) in pixels.

    A measure that is no finite number counts as missing.
    """
    measures = {name: value for name, value in measured.values.items() if math.isfinite(value)}
    findings = (
        *_not_finite(measures),
        *_size(measures, expected_size),
        *_blank(measures, limits),
        *_greyscale(measures, limits),
        *_chroma(measures, limits),
        *_structure(measures, limits),
        *_sharpness(measures, limits),
        *_alpha(measures, limits),
        *_identity(measures, limits),
        *_style(measures, limits),
        *_copy(measures, limits),
        *_characters(measures, limits),
        *_failed(measured.failed),
    )
    return QualityReport(
        findings, chroma_excess(measures, limits), measures, measured.not_applicable, measured.nearest, measured.basis
    )


def fitted_size(source: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """Width and height that a picture of a source must have: the source's shape, as large as the canvas takes it."""
    scale = min(canvas[0] / source[0], canvas[1] / source[1])
    width, height = (min(most, max(1, round(side * scale))) for side, most in zip(source, canvas, strict=True))
    return width, height


def chroma_excess(measures: Mapping[str, float], limits: Limits) -> float:
    """By how much the mean chroma exceeds its soft limit; 0 where it stays below or nothing is measured."""
    value = measures.get(CHROMA)
    if value is None or limits.chroma_soft is None:
        return 0.0
    return max(0.0, value - limits.chroma_soft)


def _not_finite(measures: Mapping[str, float]) -> Iterator[Finding]:
    value = measures.get(NOT_FINITE)
    if value is not None and value > 0.0:
        message = f"{value:.2%} of the values were not numbers before they were rounded; the engine broke down."
        yield Finding(Severity.HARD, FindingKind.NOT_FINITE, message, value, 0.0)


def _size(measures: Mapping[str, float], expected: tuple[int, int] | None) -> Iterator[Finding]:
    if expected is None:
        return
    for name, value, wanted in (
        ("wide", measures.get(WIDTH), expected[0]),
        ("high", measures.get(HEIGHT), expected[1]),
    ):
        if value is not None and value != wanted:
            message = f"The picture is {value:g} pixels {name} where {wanted} were asked for."
            yield Finding(Severity.HARD, FindingKind.SIZE, message, value, float(wanted))


def _blank(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, least = measures.get(BLANK), limits.blank_std_min
    if value is not None and least is not None and value < least:
        message = (
            f"The picture is nearly one flat tone: its values vary by {value:.1f} of 255, which is below {least:g}."
        )
        yield Finding(Severity.HARD, FindingKind.BLANK, message, value, least)


def _greyscale(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, limit = measures.get(CHROMA), limits.greyscale_chroma
    if value is None:
        return
    if limits.greyscale is Greyscale.EXPECT and value > limit:
        message = f"The stage asks for grey pictures and this one has colour: chroma {value:.1f} is above {limit:g}."
        yield Finding(Severity.HARD, FindingKind.GREYSCALE, message, value, limit)
    if limits.greyscale is Greyscale.FORBID and value <= limit:
        message = f"The picture lost its colours: chroma {value:.1f} is not above {limit:g}."
        yield Finding(Severity.HARD, FindingKind.GREYSCALE, message, value, limit)


def _chroma(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    words = "The colours are too strong: chroma {value:.1f} is above {limit:g}."
    yield from _above(measures.get(CHROMA), limits.chroma_soft, limits.chroma_hard, FindingKind.CHROMA, words)


def _structure(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    words = "The drawing left its source: edge agreement {value:.3f} is below {limit:g}."
    soft, hard = limits.structure_f1_soft, limits.structure_f1_hard
    yield from _below(measures.get(STRUCTURE_F1), soft, hard, FindingKind.STRUCTURE, words)


def _sharpness(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    words = "The picture is soft: sharpness {value:.1f} is below {limit:g}."
    soft, hard = limits.sharpness_soft, limits.sharpness_hard
    yield from _below(measures.get(SHARPNESS), soft, hard, FindingKind.SHARPNESS, words)


def _alpha(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, kind = measures.get(ALPHA_COVERAGE), FindingKind.ALPHA_COVERAGE
    words = "The cutout kept almost nothing: it covers {value:.1%} of the picture, which is below {limit:.1%}."
    yield from _below(value, None, limits.alpha_coverage_min, kind, words)
    words = "The cutout took almost nothing away: it covers {value:.1%} of the picture, which is above {limit:.1%}."
    yield from _above(value, None, limits.alpha_coverage_max, kind, words)


def _identity(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    """One finding for each character whose place is known; of older measures, for the only one."""
    soft, hard = limits.identity_drift_soft, limits.identity_drift_hard
    start = f"{IDENTITY_DRIFT}/"
    each: dict[str, float | None] = {
        name.removeprefix(start): value for name, value in measures.items() if name.startswith(start)
    }
    for who, value in (each or {"": measures.get(IDENTITY_DRIFT)}).items():
        name = who.replace("{", "{{").replace("}", "}}") or "The character"
        words = f"{name} does not look like its references: identity drift {{value:.2f}} is above {{limit:g}}."
        yield from _above(value, soft, hard, FindingKind.IDENTITY, words)


def _style(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    words = "The picture is not drawn like the style's anchors: style drift {value:.2f} is above {limit:g}."
    soft, hard = limits.style_drift_soft, limits.style_drift_hard
    yield from _above(measures.get(STYLE_DRIFT), soft, hard, FindingKind.STYLE, words)


def _copy(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    words = "Much of the picture is copied from a reference: {value:.0%} of it, which is above {limit:.0%}."
    yield from _above(measures.get(COPY_RATE), limits.copy_rate_soft, limits.copy_rate_hard, FindingKind.COPY, words)


def _characters(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, wanted = measures.get(CHARACTER_CHANGE), limits.characters_added
    if value is None or wanted is None or value == wanted:
        return
    change = "as many characters as" if not value else f"{abs(value):g} {'more' if value > 0 else 'fewer'} than"
    asked = f"adds {wanted}" if wanted else "adds nobody"
    message = f"The stage {asked}, and the picture seems to have {change} its source."
    yield Finding(Severity.SOFT, FindingKind.CHARACTER_COUNT, message, value, float(wanted))


def _failed(failed: Mapping[str, str]) -> Iterator[Finding]:
    for name, why in sorted(failed.items()):
        message = f"{name} could not be measured, and the picture was kept: {why}"
        yield Finding(Severity.SOFT, FindingKind.MEASURE_FAILED, message, 0.0, 0.0)


def _above(
    value: float | None, soft: float | None, hard: float | None, kind: FindingKind, words: str
) -> Iterator[Finding]:
    """One finding for a value above a limit, the hard one first; `words` takes `value` and `limit`."""
    for severity, limit in ((Severity.HARD, hard), (Severity.SOFT, soft)):
        if value is not None and limit is not None and value > limit:
            yield Finding(severity, kind, words.format(value=value, limit=limit), value, limit)
            return


def _below(
    value: float | None, soft: float | None, hard: float | None, kind: FindingKind, words: str
) -> Iterator[Finding]:
    """The same for a value below a limit."""
    for severity, limit in ((Severity.HARD, hard), (Severity.SOFT, soft)):
        if value is not None and limit is not None and value < limit:
            yield Finding(severity, kind, words.format(value=value, limit=limit), value, limit)
            return
