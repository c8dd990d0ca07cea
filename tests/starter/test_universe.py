"""The sample universes: whole stories, from layouts that nothing was trained on, in words that the model knows."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_starter import models_root, universe_names, universe_root
from bullpen_starter.captions import PHRASINGS, VALUES, Edit, instruction
from bullpen_starter.render import HEROES, PLACES, SCENES
from bullpen_starter.stories import HARBOR_LIGHTS, STORIES, Story
from bullpen_starter.train import text
from bullpen_starter.train.data import VALIDATION
from bullpen_starter.train.universe import build
from PIL import Image

per_story = pytest.mark.parametrize("story", STORIES, ids=[story.slug for story in STORIES])


def _said(story: Story) -> Any:
    return json.loads((universe_root(story.slug) / "universe.json").read_text(encoding="utf-8"))


def test_harbor_lights_shows_all_that_the_starter_can() -> None:
    """Twelve scenes, four of a cast, every kind of place, time and weather, and panels with one, two and three."""
    scenes = HARBOR_LIGHTS.scenes
    assert len(scenes) == 12
    assert len(HARBOR_LIGHTS.cast) == 4
    assert {scene.kind for scene in scenes} == set(SCENES)
    assert {scene.time for scene in scenes} == set(VALUES["time"])
    assert {scene.weather for scene in scenes} == set(VALUES["weather"])
    assert {len(scene.cast) for scene in scenes} == {1, 2, 3}
    assert {part.who for scene in scenes for part in scene.cast} == {member.slug for member in HARBOR_LIGHTS.cast}
    assert any(member.looks.build == "robot" for member in HARBOR_LIGHTS.cast)


def test_the_stories_look_different() -> None:
    """A second project shows a second style."""
    assert sorted(story.slug for story in STORIES) == universe_names()
    assert len({story.guide.style for story in STORIES}) == len(STORIES)


@per_story
def test_a_story_is_told(story: Story) -> None:
    """Every scene has its own title, says what happens, and has one to three lines, spoken by the cast."""
    assert len({scene.title for scene in story.scenes}) == len(story.scenes)
    cast = {member.slug for member in story.cast}
    for scene in story.scenes:
        assert len(scene.description) > 60
        assert 1 <= len(scene.lines) <= 3
        assert {line.who for line in scene.lines} - {None} <= cast
    assert all(member.profile and member.looks in HEROES.values() for member in story.cast)


@per_story
def test_layouts_are_unseen_and_places_in_order(story: Story) -> None:
    """No model knows these panels, no two are the same, and characters are listed from left to right."""
    assert all(scene.layout >= VALIDATION for scene in story.scenes)
    assert len({(scene.kind, scene.layout) for scene in story.scenes}) == len(story.scenes)
    for scene in story.scenes:
        assert scene.cast
        for one, other in pairwise(scene.cast):
            assert PLACES.index(one.place) < PLACES.index(other.place)


@per_story
def test_filled_templates_are_sentences_that_the_model_was_taught(story: Story) -> None:
    """Bible and scene fill each stage's template to the instruction of the renderer's own edit."""
    said = _said(story)
    looks = {one["slug"]: one["description"] for one in said["characters"]}
    for (slug, scene), told in zip(story.numbered(), said["scenes"], strict=True):
        values = {
            **said["style_guide"]["variables"],
            "character": looks[told["characters"][0]],
            **told["variables"],
        }
        assert told["slug"] == slug
        asked = {"style": story.guide.style, "time": scene.time, "weather": scene.weather}
        edits = [*(Edit(*one) for one in asked.items()), Edit("characters", story.standing(scene))]
        for edit in edits:
            assert PHRASINGS[edit.stage][0].format(**values) == instruction(edit)


@per_story
def test_pictures_are_there_and_say_what_they_are(story: Story) -> None:
    """Sketches have the model's size; every picture says that it was rendered, and under which licence."""
    root, said = universe_root(story.slug), _said(story)
    manifest = json.loads((models_root() / "starter-edit" / "bullpen-manifest.json").read_text(encoding="utf-8"))
    sketches = [scene["file"] for scene in said["scenes"]]
    assert all(one["references"] for one in said["characters"])
    shown = [file for one in said["characters"] for file in one["references"]] + said["style_guide"]["anchors"]
    for file in (*sketches, *shown):
        with Image.open(root / file) as picture:
            assert file not in sketches or picture.size == (manifest["width"], manifest["height"])
            assert "not generated" in picture.info["Source"]
            assert picture.info["Copyright"] == said["licence"]
    on_disk = {path.relative_to(root).as_posix() for path in root.rglob("*.png")}
    assert on_disk == {*sketches, *shown}


@per_story
def test_making_it_again_gives_the_same_files(story: Story, tmp_path: Path) -> None:
    """What is in the package is what the renderer draws today, but for what processors round differently."""
    build(tmp_path, story)
    root = universe_root(story.slug)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    assert made == sorted(path.relative_to(root) for path in root.rglob("*.*"))
    for path in made:
        one, other = tmp_path / path, root / path
        if path.suffix == ".png":
            with Image.open(one) as drawn, Image.open(other) as kept:
                apart = np.abs(np.asarray(drawn, dtype=np.int16) - np.asarray(kept, dtype=np.int16))
                assert apart.max() <= 2, path
        else:
            assert one.read_bytes() == other.read_bytes(), path


@per_story
def test_no_sentence_is_cut(story: Story) -> None:
    """The longest instruction, that of the fullest panel, fits into the text encoder with its start and end."""
    words = text.tokenizer()
    for scene in story.scenes:
        asked = instruction(Edit("characters", story.standing(scene)))
        assert len(words(asked).input_ids) <= text.LENGTH, scene.title
