"""Lookup tables: which files are read, which are refused in which words, and what a table does to a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.colour.cube import parse_cube, read_cube
from bullpen_worker.ops.colour.grade import Grade, apply
from bullpen_worker.ops.colour.lut import FloatArray
from hypothesis import given, settings
from hypothesis import strategies as st


def cube_text(table: FloatArray, size: int, extra: str = "") -> bytes:
    """A cube as a grading program writes it; `table` is (size³, 3) with red running fastest."""
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in table)
    return f'TITLE "a look"\n# made by hand\n{extra}LUT_3D_SIZE {size}\n\n{rows}\n'.encode()


def points(size: int) -> FloatArray:
    """The places of a cube's points, (size³, 3), red running fastest."""
    steps = np.linspace(0, 1, size, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    return np.stack([red.ravel(), green.ravel(), blue.ravel()], axis=1)


@pytest.fixture
def picture() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    return np.random.default_rng(7).integers(0, 256, (40, 30, 4), dtype=np.uint8)


@pytest.mark.parametrize("size", [2, 5, 17])
def test_the_identity_changes_no_byte(size: int, picture: np.ndarray) -> None:
    """A cube that names each colour itself gives every picture back, alpha too."""
    out = apply(picture, Grade(lut=parse_cube(cube_text(points(size), size))))
    assert np.array_equal(out, picture)


def test_a_cube_of_a_plane_is_exact_between_its_points(picture: np.ndarray) -> None:
    """Where the table is a mixture of colours, reading between its points gives that mixture."""
    mixture = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.1], [0.0, 0.25, 0.75]], dtype=np.float32)
    out = apply(picture, Grade(lut=parse_cube(cube_text(points(4) @ mixture.T, 4))))
    wanted = picture[..., :3].astype(np.float32) @ mixture.T
    seen = picture[..., 3] > 0
    assert np.abs(out[..., :3] - wanted)[seen].max() <= 0.51
    assert np.array_equal(out[~seen], picture[~seen]), "what nobody sees stays as it is"
    assert np.array_equal(out[..., 3], picture[..., 3])


def test_red_runs_fastest() -> None:
    """The second entry of a cube is red's, as the format has it."""
    table = np.zeros((8, 3), dtype=np.float32)
    table[1] = (0.0, 0.0, 1.0)
    out = apply(np.array([[[255, 0, 0]]], dtype=np.uint8), Grade(lut=parse_cube(cube_text(table, 2))))
    assert out.tolist() == [[[0, 0, 255]]]


def test_curves_act_on_each_colour() -> None:
    """A table of one dimension bends every channel by its own column."""
    lut = parse_cube(b"LUT_1D_SIZE 3\n0 1 0\n0.25 0.5 0.5\n1 0 1\n")
    out = apply(np.array([[[0, 0, 0], [128, 255, 64]]], dtype=np.uint8), Grade(lut=lut))
    assert out.tolist() == [[[0, 255, 0], [65, 0, 64]]]


def test_the_domain_is_kept(tmp_path: Path) -> None:
    """A table over 0..0.5 gives its last entry for all that is lighter; both spellings of the domain are known."""
    for words in (
        "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 0.5 0.5 0.5\nLUT_1D_SIZE 2\n",
        "LUT_1D_SIZE 2\nLUT_1D_INPUT_RANGE 0 0.5\n",
    ):
        file = tmp_path / "half.cube"
        file.write_text(words + "0 0 0\n1 1 1\n")
        out = apply(np.array([[[51, 200, 255]]], dtype=np.uint8), Grade(lut=read_cube(file)))
        assert out.tolist() == [[[102, 255, 255]]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "neither"),
        (b"\xff\xfe\x00", "no text"),
        (b"LUT_3D_SIZE 2\n" + b"0 0 0\n" * 7, "7 entries where 8"),
        (b"LUT_3D_SIZE 2\n" + b"0 0 0\n" * 9, "line 10: there are more than 8"),
        (b"LUT_3D_SIZE 4096\n", "from 2 to 129"),
        (b"LUT_1D_SIZE 99999999999999999999\n", "from 2 to 65536"),
        (b"LUT_1D_SIZE 2\nLUT_3D_SIZE 2\n", "not both"),
        (b"LUT_1D_SIZE 2\nLUT_1D_SIZE 2\n", "twice"),
        (b"0 0 0\n", "line 1: entries come before"),
        (b"LUT_1D_SIZE 2\n0 0 0\nTITLE x\n", "comes after entries"),
        (b"LUT_1D_SIZE 2\n0 0 nan\n1 1 1\n", "line 2: 3 finite numbers"),
        (b"LUT_1D_SIZE 2\nnan 0 0\n1 1 1\n", "line 2: 3 finite numbers"),
        (b"LUT_1D_SIZE 2\n0 0 1e40\n1 1 1\n", "line 2: 3 finite numbers"),
        (b"LUT_1D_SIZE 2\n0 0\n1 1 1\n", "line 2: 3 finite numbers"),
        (b"LUT_1D_SIZE 2\nDOMAIN_MAX 0 0 0\n0 0 0\n1 1 1\n", "ends before it begins"),
        (b"LUT_1D_SIZE 2\nDOMAIN_MIN 1 1\n", "3 finite numbers"),
        (b"SHAPER 2\n", "the format has no SHAPER"),
        (b"LUT_1D_SIZE 2\n" + b"0" * 300, "longer than 250"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(text: bytes, words: str) -> None:
    """What is no table is refused with its name, its line and what is wrong."""
    with pytest.raises(WorkerError) as caught:
        parse_cube(text, "look.cube")
    assert caught.value.reason == "FIELD_INVALID"
    assert caught.value.message.startswith("look.cube")
    assert words in caught.value.message
    assert ".cube" in caught.value.remedy


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    """Only so many bytes are taken from a file, however long it is."""
    file = tmp_path / "large.cube"
    with file.open("wb") as stream:
        stream.truncate(10 << 30)
    with pytest.raises(WorkerError, match="more than 64 MiB"):
        read_cube(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A table that is not there is a path that is not found."""
    with pytest.raises(WorkerError) as caught:
        read_cube(tmp_path / "none.cube")
    assert caught.value.reason == "PATH_NOT_FOUND"


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["LUT_1D_SIZE 2", "LUT_3D_SIZE 2", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1", "TITLE", "#", "0 0 1"]
        ),
        st.tuples(st.floats(), st.floats(), st.floats()).map(lambda three: " ".join(map(str, three))),
        st.text(max_size=12),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), LINES.map(lambda lines: "\n".join(lines).encode("utf-8", "replace"))))
def test_no_bytes_make_the_reader_fall_over(data: bytes) -> None:
    """Every file is a table that can be applied, or is refused by type."""
    refusal: WorkerError | None = None
    try:
        lut = parse_cube(data)
    except WorkerError as error:
        refusal = error
    if refusal is not None:
        assert refusal.reason == "FIELD_INVALID"
    else:
        assert apply(np.full((1, 1, 3), 99, dtype=np.uint8), Grade(lut=lut)).shape == (1, 1, 3)
