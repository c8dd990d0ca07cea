"""What a stored picture is compared with, and what its judges say: values that are known beforehand."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.copies import copy_rate, patches, shifted
from bullpen_worker.ops.figures import crop, figures
from bullpen_worker.ops.identity import assigned
from bullpen_worker.ops.likeness import Likeness, alpha_coverage, drift
from PIL import Image, ImageDraw

from tests.support import tiny_judges
from tests.worker.conftest import drawing

LIMIT = 1_000_000
RED, BLUE, PAPER = (220, 40, 30), (30, 50, 220), (240, 238, 230)


def busy(seed: int, size: int = 128) -> Image.Image:
    """A picture full of edges, another one for each seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (size, size), PAPER)
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        x, y, w, h = (int(value) for value in random.integers(0, size, 4))
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        draw.rectangle((x, y, x + 4 + w // 6, y + 4 + h // 6), fill=colour, outline=(0, 0, 0))
    return image


def ref(folder: Path) -> link_pb2.ModelRef:
    """A model as the daemon names it."""
    files = []
    for path in sorted(folder.iterdir()):
        status = path.stat()
        files.append(
            link_pb2.ModelFile(
                path=path.name,
                sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                size_bytes=status.st_size,
                modified_ns=status.st_mtime_ns,
                changed_ns=status.st_ctime_ns,
                inode=status.st_ino,
            )
        )
    return link_pb2.ModelRef(name=f"models/{folder.name}", family="encoder", path=str(folder), digest="d", files=files)


class Desk:
    """A folder, pictures in it, and tasks over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.likeness = Likeness()

    def save(self, image: Image.Image, name: str) -> Path:
        path = self.root / f"{name}.png"
        image.save(path)
        return path

    def reference(self, subject: str, image: Image.Image, name: str) -> link_pb2.ReferencePicture:
        path = self.save(image, name)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        return link_pb2.ReferencePicture(subject=subject, name=f"assets/{name}", path=str(path), sha256=sha256)

    def measure(self, image: Image.Image, **fields: Any) -> link_pb2.PictureMeasured:
        task = link_pb2.MeasurePicture(path=str(self.save(image, "candidate")), **fields)
        return self.likeness.measure(task, LIMIT)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def style(tmp_path: Path) -> link_pb2.Judge:
    return link_pb2.Judge(subject="style", model=ref(tiny_judges.encoder(tmp_path / "style")))


@pytest.fixture
def identity(tmp_path: Path) -> link_pb2.Judge:
    return link_pb2.Judge(subject="identity", model=ref(tiny_judges.encoder(tmp_path / "identity", margin=0.0)))


def test_drift_is_one_half_at_the_threshold() -> None:
    """One limit serves every encoder; the scale ends at 0 and 1."""
    assert [drift(s, 0.8) for s in (1.0, 0.8, 0.6, -1.0)] == pytest.approx([0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("shift", [0, 1, 3, 8, 21])
def test_a_copy_is_seen_wherever_it_lies(shift: int) -> None:
    """The same picture, moved by any number of pixels, is a copy; another one is not."""
    picture = busy(1)
    moved = Image.fromarray(np.roll(np.asarray(picture), (shift, shift), (0, 1)))
    found, other = copy_rate(patches(moved), shifted(picture)), copy_rate(patches(moved), shifted(busy(2)))
    assert found is not None
    assert other is not None
    assert found > 0.55
    assert other < 0.2


def test_a_part_that_is_copied_counts_as_that_part() -> None:
    """Half of a reference, pasted into another picture, is about half of it; noise does not hide it."""
    made, picture = busy(3), busy(4)
    made.paste(picture.crop((0, 0, 64, 128)), (0, 0))
    noisy = np.asarray(made) + np.random.default_rng(0).normal(0, 6, (128, 128, 3))
    found = copy_rate(patches(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))), shifted(picture))
    assert found is not None
    assert 0.4 < found < 0.65


@pytest.mark.parametrize("size", [(3, 3), (128, 5), (64, 64)])
def test_a_picture_without_texture_has_no_copy_rate(size: tuple[int, int]) -> None:
    """A sky is in every picture; that says nothing."""
    assert copy_rate(patches(Image.new("RGB", size, RED)), shifted(Image.new("RGB", size, RED))) is None


def test_the_nearest_reference_is_named(desk: Desk) -> None:
    """The rate is that of the reference that most was taken from."""
    references = [desk.reference("style", busy(5), "other"), desk.reference("identity", busy(6), "taken")]
    found = desk.measure(busy(6), references=references)
    assert found.measures["copy_rate"] == 1.0
    assert found.nearest["copy_rate"] == "assets/taken"
    flat = desk.measure(Image.new("RGB", (64, 64), RED), references=references)
    assert "texture" in flat.not_applicable["copy_rate"]


def test_style_is_compared_with_the_mean_of_the_anchors(desk: Desk, style: link_pb2.Judge) -> None:
    """A picture like the anchors has no drift, one of the opposite colour has the most."""
    references = [desk.reference("style", Image.new("RGB", (40, 40), RED), "a")]
    same = desk.measure(Image.new("RGB", (64, 32), RED), references=references, judges=[style])
    assert same.measures["style_drift"] == pytest.approx(0, abs=1e-3)
    assert same.measures["style_similarity"] == pytest.approx(1, abs=1e-3)
    other = desk.measure(Image.new("RGB", (64, 32), BLUE), references=references, judges=[style])
    assert other.measures["style_drift"] == 1


def with_figure(colour: tuple[int, int, int], left: int = 40) -> Image.Image:
    image = busy(7)
    ImageDraw.Draw(image).rectangle((left, 50, left + 60, 110), fill=colour)
    return image


def test_identity_is_that_of_the_figure_that_was_put_in(desk: Desk, identity: link_pb2.Judge) -> None:
    """Wherever the figure stands, it is compared with every figure of the references; the rest does not matter."""
    sheet = Image.new("RGB", (120, 120), PAPER)
    for left, colour in ((10, RED), (70, (200, 60, 40))):
        ImageDraw.Draw(sheet).rectangle((left, 40, left + 35, 80), fill=colour)
    references = [desk.reference("identity", sheet, "sheet")]
    source = str(desk.save(busy(7), "source"))
    found = {
        colour: desk.measure(
            with_figure(colour), references=references, judges=[identity], source_path=source, edit_share=0.4
        )
        for colour in (RED, BLUE)
    }
    assert found[RED].measures["identity_drift"] < 0.1
    assert found[BLUE].measures["identity_drift"] == 1
    assert found[RED].nearest["identity_drift"] == "assets/sheet"


def test_what_does_not_apply_is_said_and_not_low(desk: Desk, style: link_pb2.Judge, identity: link_pb2.Judge) -> None:
    """Without references, or without a place of the figure, there is a reason and no value."""
    alone = desk.measure(busy(7), judges=[style, identity])
    assert set(alone.not_applicable) == {"style_drift", "identity_drift"}
    references = [desk.reference("identity", busy(1), "a")]
    source = str(desk.save(busy(7), "source"))
    nowhere = desk.measure(busy(7), references=references, judges=[identity], source_path=source, edit_share=0.4)
    assert "not changed in one place" in nowhere.not_applicable["identity_drift"]
    assert "identity_drift" not in nowhere.measures
    assert not alone.failed_measures
    assert not nowhere.failed_measures


def test_characters_are_counted_by_places(desk: Desk, tmp_path: Path) -> None:
    """Each place at which the tagger sees somebody counts."""
    judge = link_pb2.Judge(subject="characters", model=ref(tiny_judges.tagger(tmp_path / "tagger")))
    half = Image.new("RGB", (64, 64), (0, 0, 0))
    half.paste((255, 255, 255), (0, 0, 32, 64))
    counts = [
        desk.measure(image, judges=[judge]).measures["character_count"]
        for image in (Image.new("RGB", (64, 64)), half, Image.new("RGB", (64, 64), (255, 255, 255)))
    ]
    assert counts == [0, 1, 2]
    source = str(desk.save(half, "half"))
    found = desk.measure(Image.new("RGB", (64, 64)), judges=[judge], source_path=source)
    assert found.measures["character_change"] == -1


@pytest.mark.parametrize(
    ("config", "words"),
    [({"threshold": 1.0}, "threshold"), ({"width": "wide"}, "width"), ({"height": 24}, "style")],
)
def test_a_judge_that_cannot_be_used_costs_its_measure_only(
    desk: Desk, tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    """The failure is told by the measure's name; the other measures are taken."""
    judge = link_pb2.Judge(subject="style", model=ref(tiny_judges.encoder(tmp_path / "style", **config)))
    found = desk.measure(busy(1), references=[desk.reference("style", busy(1), "a")], judges=[judge])
    assert set(found.failed_measures) == {"style_drift"}
    assert found.measures["copy_rate"] == 1.0
    assert words in found.failed_measures["style_drift"] or "INVALID_ARGUMENT" in found.failed_measures["style_drift"]


def test_a_judge_that_was_swapped_is_refused(desk: Desk, style: link_pb2.Judge) -> None:
    """Only the bytes that the daemon checked judge."""
    Path(style.model.path, "config.json").write_text(json.dumps({"threshold": 0.1}))
    found = desk.measure(busy(1), references=[desk.reference("style", busy(1), "a")], judges=[style])
    assert "is not the file that was checked" in found.failed_measures["style_drift"]


def test_without_a_runtime_a_judge_does_not_apply(
    desk: Desk, style: link_pb2.Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation without onnxruntime makes pictures all the same, and says what is missing."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = desk.measure(busy(1), references=[desk.reference("style", busy(1), "a")], judges=[style])
    assert "onnxruntime" in found.not_applicable["style_drift"]
    assert not found.failed_measures


def test_transparency_is_measured_where_there_is_any(desk: Desk) -> None:
    """The covered share of a cutout; a picture without transparency has none."""
    cut = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    cut.paste((255, 0, 0, 255), (0, 0, 40, 10))
    assert desk.measure(cut).measures["alpha_coverage"] == 0.25
    assert "alpha_coverage" not in desk.measure(busy(1)).measures
    assert alpha_coverage(Image.new("L", (4, 4), 127)) == 0


def test_a_candidate_that_is_gone_is_an_error(desk: Desk) -> None:
    """Without the picture there is nothing to say."""
    with pytest.raises(WorkerError) as caught:
        desk.likeness.measure(link_pb2.MeasurePicture(path=str(desk.root / "gone.png")), LIMIT)
    assert caught.value.reason == "PATH_NOT_FOUND"


def test_figures_stand_apart_on_plain_ground() -> None:
    """Each figure of a sheet has its box, bars and specks have none, and a panel has no plain ground."""
    sheet = Image.new("RGB", (256, 256), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((40, 60, 80, 200), fill=RED)
    draw.rectangle((150, 50, 190, 190), fill=BLUE)
    draw.rectangle((0, 240, 255, 255), fill=RED)
    draw.rectangle((100, 20, 104, 24), fill=RED)
    boxes = figures(sheet)
    assert boxes == [pytest.approx((152, 48, 192, 192), abs=4), pytest.approx((40, 60, 84, 204), abs=4)]
    assert figures(drawing(128, 128)) == []
    assert figures(Image.new("RGB", (64, 64), PAPER)) == []


def test_a_crop_keeps_proportions_at_the_edge() -> None:
    """What lies beyond the edge repeats it."""
    cut = crop(Image.new("RGB", (60, 60), (10, 200, 30)), (0, 30, 12, 60), (64, 96), 0.1)
    assert cut.getcolors() == [(64 * 96, (10, 200, 30))]


def of(character: str, reference: link_pb2.ReferencePicture) -> link_pb2.ReferencePicture:
    """A reference of a character."""
    reference.character = f"projects/p/characters/{character}"
    return reference


def two_of(left: tuple[int, int, int], right: tuple[int, int, int]) -> Image.Image:
    """A panel whose halves are two figures."""
    image = Image.new("RGB", (128, 128), left)
    image.paste(right, (64, 0, 128, 128))
    return image


LIGHT, PALE = (250, 120, 110), (110, 120, 250)


@pytest.fixture
def standing(tmp_path: Path) -> link_pb2.Judge:
    """A tagger that tells where its places are; a bright half is taken."""
    places = {"left": 0.25, "right": 0.75}
    return link_pb2.Judge(subject="characters", model=ref(tiny_judges.tagger(tmp_path / "places", places=places)))


def test_each_character_is_compared_with_its_own_references(
    desk: Desk, identity: link_pb2.Judge, standing: link_pb2.Judge
) -> None:
    """Two people at two places: each has a drift of its own, whichever side they stand on, and the worst one counts."""
    references = [
        of("mara", desk.reference("identity", Image.new("RGB", (64, 64), LIGHT), "mara")),
        of("finn", desk.reference("identity", Image.new("RGB", (64, 64), PALE), "finn")),
    ]
    judges = [identity, standing]
    for panel in (two_of(LIGHT, PALE), two_of(PALE, LIGHT)):
        found = desk.measure(panel, references=references, judges=judges)
        assert found.measures["identity_drift/mara"] < 0.1
        assert found.measures["identity_drift/finn"] < 0.1
        assert found.measures["identity_drift"] < 0.1
        assert found.nearest["identity_drift/finn"] == "assets/finn"
        assert "tagger" in found.basis["identity_drift/mara"]
    wrong = desk.measure(two_of(LIGHT, LIGHT), references=references, judges=judges)
    assert wrong.measures["identity_drift/mara"] < 0.1
    assert wrong.measures["identity_drift/finn"] == wrong.measures["identity_drift"] == 1


def test_who_is_left_over_has_a_best_match_that_says_so(desk: Desk, identity: link_pb2.Judge) -> None:
    """One place changed and two people are named: the other one is looked for, and flags nothing."""
    references = [
        of("mara", desk.reference("identity", Image.new("RGB", (64, 64), RED), "mara")),
        of("finn", desk.reference("identity", Image.new("RGB", (64, 64), BLUE), "finn")),
    ]
    source = str(desk.save(busy(7), "source"))
    found = desk.measure(with_figure(RED), references=references, judges=[identity], source_path=source, edit_share=0.4)
    assert found.measures["identity_drift/mara"] == found.measures["identity_drift"] < 0.1
    assert "changed" in found.basis["identity_drift"]
    assert "identity_drift/finn" not in found.measures
    assert 0 < found.measures["identity_best_drift/finn"] <= 1
    assert "flatters" in found.basis["identity_best_drift/finn"]


def test_where_the_plan_painted_is_believed_before_all_else(desk: Desk, identity: link_pb2.Judge) -> None:
    """With a box of the plan no other place is asked for."""
    references = [of("mara", desk.reference("identity", Image.new("RGB", (64, 64), RED), "mara"))]
    box = link_pb2.MaskBox(left=0.5, top=0.25, right=1, bottom=0.75)
    found = desk.measure(two_of(BLUE, RED), references=references, judges=[identity], boxes=[box])
    assert found.measures["identity_drift"] < 0.1
    assert found.basis["identity_drift"] == "the place where the plan painted"


def test_copies_are_told_by_character(desk: Desk) -> None:
    """Beside the rate of the picture, each character has that of its own references."""
    references = [
        of("mara", desk.reference("identity", busy(11), "mara")),
        of("finn", desk.reference("identity", busy(12), "finn")),
    ]
    found = desk.measure(busy(11), references=references)
    assert found.measures["copy_rate/mara"] == found.measures["copy_rate"] == 1
    assert found.measures["copy_rate/finn"] < 0.2


def test_places_are_given_away_so_that_the_sum_is_largest() -> None:
    """The best single pair is not taken where it spoils the rest; nobody and no place is taken twice."""
    assert sorted(assigned([[0.9, 0.89], [0.88, 0.2]])) == [(0, 1), (1, 0)]
    assert assigned([[0.1, 0.7, 0.3]]) == [(0, 1)]
    assert assigned([[0.1], [0.7]]) == [(1, 0)]
    assert assigned([]) == assigned([[], []]) == []
