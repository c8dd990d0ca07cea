"""Two people in one panel, judged by the starter's own networks: each held against its own references, at its place."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib import resources
from pathlib import Path
from random import Random
from statistics import median

from bullpen_api.worker.v1 import link_pb2
from bullpen_starter.render import (
    BUILDS,
    COLOURS,
    HAIRS,
    OUTFITS,
    PLACES,
    SCENES,
    SKETCH,
    STYLES,
    Character,
    PanelSpec,
    portrait,
    render,
)
from bullpen_worker.ops.likeness import Likeness

from tests.worker.test_likeness import ref

MODELS = Path(str(resources.files("bullpen_starter"))) / "models"
PANELS = 6


def somebody(random: Random) -> Character:
    """A character that nobody chose."""
    return Character(random.choice(BUILDS), random.choice(HAIRS), random.choice(COLOURS), random.choice(OUTFITS))


def reference(folder: Path, name: str, who: Character) -> link_pb2.ReferencePicture:
    """A portrait, as the reference of a character of that name."""
    path = folder / f"{name}.png"
    portrait(who, (128, 128)).save(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    subject, character = "identity", f"projects/p/characters/{name}"
    return link_pb2.ReferencePicture(subject=subject, name=name, path=str(path), sha256=sha256, character=character)


def test_j06_somebody_else_is_told_from_the_one_who_should_stand_there(tmp_path: Path) -> None:
    """Over panels with two people the right ones drift little; where one is somebody else, that one drifts far more."""
    random, likeness = Random(4), Likeness()
    judges = [
        link_pb2.Judge(subject=subject, model=ref(MODELS / model))
        for subject, model in (("identity", "starter-identity"), ("characters", "starter-tagger"))
    ]
    right: list[float] = []
    wrong: list[float] = []
    for _ in range(PANELS):
        mara, finn, stranger = (somebody(random) for _ in range(3))
        places = random.sample(PLACES, 2)
        cast = (replace(mara, place=places[0]), replace(finn, place=places[1]))
        style = random.choice([one for one in STYLES if one != SKETCH])
        render(PanelSpec(random.choice(SCENES), 0, style, characters=cast)).picture.save(tmp_path / "panel.png")
        for shown, drifts in ((finn, right), (stranger, wrong)):
            references = [reference(tmp_path, "mara", mara), reference(tmp_path, "finn", shown)]
            task = link_pb2.MeasurePicture(path=str(tmp_path / "panel.png"), references=references, judges=judges)
            measures = likeness.measure(task, 10_000_000).measures
            drifts.append(measures["identity_drift/finn"])
            assert measures["identity_drift"] == max(measures["identity_drift/mara"], measures["identity_drift/finn"])
    assert median(right) < 0.5 < median(wrong)
