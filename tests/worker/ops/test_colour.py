"""Colour correction: what each part of a profile does to light, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bullpen_worker.ops.colour import grade as grades
from bullpen_worker.ops.colour.grade import Grade, apply
from bullpen_worker.ops.colour.light import ByteArray, to_bytes, to_light, to_signal
from bullpen_worker.ops.colour.white import balance
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7), st.just(4)))


def _factor(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high)


def _three(low: float, high: float) -> st.SearchStrategy[tuple[float, float, float]]:
    return st.tuples(_factor(low, high), _factor(low, high), _factor(low, high))


GRADES = st.builds(
    Grade,
    exposure=_factor(-4, 4),
    kelvin=_factor(4000, 25_000),
    duv=_factor(-0.02, 0.02),
    contrast=_factor(0.25, 4),
    lift=_three(-0.5, 0.5),
    gamma=_three(0.25, 4),
    gain=_three(0, 4),
    saturation=_factor(0, 4),
    strength=_factor(0, 1),
)


def greys() -> ByteArray:
    """Every level of grey in one row."""
    return np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)


def test_every_byte_survives_the_way_to_light_and_back() -> None:
    """Eight bits lose nothing on their way through linear light."""
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_bytes(to_signal(to_light(levels))), levels)


@settings(deadline=None)
@given(PICTURES)
def test_the_neutral_profile_changes_no_byte(picture: ByteArray) -> None:
    """A profile at its defaults gives the picture back as it was."""
    assert np.array_equal(apply(picture, Grade()), picture)


@settings(deadline=None)
@given(PICTURES, GRADES)
def test_alpha_is_untouched_and_the_original_stays(picture: ByteArray, grade: Grade) -> None:
    """Whatever the profile, transparency stays to the byte, and the original itself is not changed."""
    before = picture.copy()
    out = apply(picture, grade)
    assert out.shape == picture.shape
    assert out.dtype == np.uint8
    assert np.array_equal(out[..., 3], before[..., 3])
    assert np.array_equal(picture, before)


@settings(deadline=None, max_examples=40)
@given(PICTURES, GRADES, st.integers(1, 9))
def test_a_picture_in_parts_is_the_picture_whole(picture: ByteArray, grade: Grade, at_once: int) -> None:
    """How many elements are worked on at once changes no byte."""
    whole = apply(picture, grade)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grades, "_AT_ONCE", at_once)
        assert np.array_equal(apply(picture, grade), whole)


@settings(deadline=None, max_examples=40)
@given(_factor(-4, 4), _factor(0.25, 4), _factor(0, 4))
def test_greys_stay_grey_and_in_their_order(exposure: float, contrast: float, saturation: float) -> None:
    """Exposure, contrast and saturation tint no grey, and never make a lighter one darker than its neighbour."""
    out = apply(greys(), Grade(exposure=exposure, contrast=contrast, saturation=saturation))
    assert int(np.ptp(out.astype(int), axis=2).max()) <= 1
    assert (np.diff(out[0, :, 0].astype(int)) >= 0).all()


def test_one_stop_doubles_the_light() -> None:
    """Exposure counts in stops of linear light."""
    grey = np.full((1, 1, 3), 100, dtype=np.uint8)
    brighter = apply(grey, Grade(exposure=1))
    assert to_light(brighter)[0, 0, 0] == pytest.approx(2 * to_light(grey)[0, 0, 0], rel=0.01)
    assert np.abs(apply(brighter, Grade(exposure=-1)).astype(int) - grey).max() <= 1


def test_without_saturation_a_picture_is_its_luminance() -> None:
    """Saturation 0 leaves a grey of the same luminance."""
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    out = apply(picture, Grade(saturation=0))
    assert (np.ptp(out.astype(int), axis=2) == 0).all()
    assert to_light(out)[0, :, 0] == pytest.approx([0.2126, 0.7152, 0.0722], abs=0.005)


def test_a_lower_temperature_is_warmer_and_as_bright() -> None:
    """4500 K makes grey yellower, 9000 K bluer, a positive Duv greener; the luminance of grey stays."""
    for kelvin, duv in ((4500, 0.0), (9000, 0.0), (6504, 0.01), (6504, -0.01)):
        red, green, blue = balance(kelvin, duv).sum(axis=1)
        assert 0.2126 * red + 0.7152 * green + 0.0722 * blue == pytest.approx(1, abs=1e-3)
        if duv == 0:
            assert (red > blue) == (kelvin < 6504)
        else:
            assert (green > (red + blue) / 2) == (duv > 0)


def test_contrast_turns_around_middle_grey() -> None:
    """More contrast darkens what is darker than middle grey, lightens what is lighter and leaves it alone."""
    out = apply(greys(), Grade(contrast=1.5))[0, :, 0].astype(int)
    assert out[118] == pytest.approx(118, abs=1)
    assert out[60] < 60
    assert out[200] > 200


def test_lift_gamma_and_gain_act_on_their_end_of_the_scale() -> None:
    """Lift raises black and leaves white, gain scales white and leaves black, gamma moves only what lies between."""
    black, middle, white = (np.full((1, 1, 3), level, dtype=np.uint8) for level in (0, 128, 255))
    lifted = Grade(lift=(0.1, 0.0, 0.0))
    assert apply(black, lifted)[0, 0].tolist()[1:] == [0, 0]
    assert apply(black, lifted)[0, 0, 0] > 60
    assert (apply(white, lifted) == 255).all()
    gained = Grade(gain=(1.0, 0.5, 1.0))
    assert (apply(black, gained) == 0).all()
    assert apply(white, gained)[0, 0].tolist() == [255, 188, 255]
    bent = Grade(gamma=(1.0, 1.0, 2.0))
    assert (apply(black, bent) == 0).all()
    assert (apply(white, bent) == 255).all()
    assert apply(middle, bent)[0, 0].tolist()[:2] == [128, 128]
    assert apply(middle, bent)[0, 0, 2] > 150


def test_strength_mixes_with_the_original() -> None:
    """At half strength every byte lies half way; at none nothing happens."""
    picture = np.random.default_rng(3).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    strong = Grade(exposure=-1.5, saturation=0.2)
    full, half = apply(picture, strong), apply(picture, replace(strong, strength=0.5))
    assert np.abs(half.astype(int) * 2 - full.astype(int) - picture.astype(int)).max() <= 2
    assert np.array_equal(apply(picture, replace(strong, strength=0)), picture)


def test_progress_ends_at_one() -> None:
    """Whoever follows sees the share grow to the whole."""
    told: list[float] = []
    apply(greys(), Grade(exposure=1), told.append)
    assert told[-1] == 1


def test_what_is_too_bright_keeps_its_hue() -> None:
    """A colour beyond the screen's brightness is dimmed as a whole: its shares of light stay those of the original."""
    bright = apply(np.array([[[240, 200, 120]]], dtype=np.uint8), Grade(exposure=2))
    assert bright[0, 0, 0] == 255
    before, after = to_light(np.array([240, 200, 120], dtype=np.uint8)), to_light(bright)[0, 0]
    assert after / after[0] == pytest.approx(before / before[0], abs=0.01)


def test_what_is_wholly_transparent_keeps_its_colours() -> None:
    """Under full transparency nothing changes; the least bit of it that is seen is corrected."""
    picture = np.array([[[9, 9, 9, 0], [9, 9, 9, 1]]], dtype=np.uint8)
    out = apply(picture, Grade(lift=(0.2, 0.2, 0.2)))
    assert out[0, 0].tolist() == [9, 9, 9, 0]
    assert out[0, 1, 0] > 100
