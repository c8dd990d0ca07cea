"""C5, the pure part: tags become words and a guide; what a language model says is taken as words and nothing more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2
from bullpend.errors import LanguageEngineFailed, SettingInvalid
from bullpend.styles import rules
from bullpend.styles.rules import Said

ROOT = Path(__file__).resolve().parents[2]
WORDS = rules.load(ROOT / "settings" / rules.FILE_NAME)


def test_pictures_that_agree_give_a_guide() -> None:
    """The surest word of the look becomes the value; what is shown (weather, scene) is a tag and no look."""
    tags = rules.gathered(
        [[("style", "ink", 0.9), ("weather", "rain", 0.8)], [("style", "ink", 0.7), ("weather", "fog", 0.9)]]
    )
    assert [(tag.word, round(tag.share, 2), tag.pictures) for tag in tags] == [
        ("ink", 0.8, 2),
        ("fog", 0.45, 1),
        ("rain", 0.4, 1),
    ]
    made = rules.reading(tags, 2, WORDS, None)
    assert (list(made.keywords), dict(made.style_guide.variables)) == (["ink"], {"style": "ink"})
    assert made.style_guide.title == "Ink"
    assert "2 pictures" in made.style_guide.description
    assert not made.notes


def test_pictures_that_do_not_agree_are_told() -> None:
    """A word that is not sure enough gives no value; one that some pictures do not have is told of."""
    unsure = rules.gathered([[("style", "ink", 0.9)], [("style", "manga", 0.8)]])
    made = rules.reading(unsure, 2, WORDS, None)
    assert not made.style_guide.variables
    assert "ink 45%, manga 40%" in made.notes[0]
    most = rules.gathered([[("style", "ink", 0.9)]] * 3 + [[("style", "manga", 0.8)]])
    made = rules.reading(most, 4, WORDS, None)
    assert dict(made.style_guide.variables) == {"style": "ink"}
    assert made.notes == ["The pictures do not agree in style: ink, manga."]


def test_a_language_models_words_are_words() -> None:
    """Keywords and caption are bounded, one line each, and hold no sign of a template; a tag goes before them."""
    told = {"caption": "Soft\nwashes. " * 200, "keywords": ["wet {wash}", "soft edges", "wet wash", 3, "", "x" * 300]}
    said = rules.read_answer(f"Sure!\n```json\n{json.dumps(told)}\n```", WORDS)
    assert said.keywords[:2] == ("wet wash", "soft edges")
    assert max(map(len, said.keywords)) <= rules.MOST_KEYWORD
    assert len(said.caption) <= rules.MOST_CAPTION
    assert "\n" not in said.caption
    made = rules.reading(rules.gathered([[("style", "watercolour", 0.9)]]), 1, WORDS, said)
    assert made.style_guide.variables["style"].startswith("watercolour, wet wash, soft edges")
    assert len(made.style_guide.variables["style"]) <= rules.MOST_VALUE


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"keywords": "ink"}', "{" * 5000, '{"caption": "x"}'])
def test_answers_without_keywords_are_refused(text: str) -> None:
    """What is no object with a list of keywords is no reading."""
    with pytest.raises(LanguageEngineFailed):
        rules.read_answer(text, WORDS)


def test_two_guides_beside_each_other() -> None:
    """Values that differ, words of both and of each; likeness is that of the middles."""
    first = bible_pb2.StyleGuide(variables={"style": "ink, heavy lines", "paper": "cream"})
    second = bible_pb2.StyleGuide(variables={"style": "Ink, dots", "paper": "cream"})
    found = rules.compared(first, second)
    assert [(item.variable, item.first, item.second) for item in found.differences] == [
        ("style", "ink, heavy lines", "Ink, dots")
    ]
    assert (list(found.shared_words), list(found.first_words), list(found.second_words)) == (
        ["cream", "ink"],
        ["heavy lines"],
        ["dots"],
    )
    assert rules.likeness([[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.6]]) == pytest.approx(1.0)
    assert rules.likeness([[1.0, 0.0]], [[-1.0, 0.0]]) == pytest.approx(-1.0)


def test_the_words_file_names_its_faults(tmp_path: Path) -> None:
    """A missing, broken or incomplete file is named with the place at fault."""
    path = tmp_path / "words.json"
    with pytest.raises(SettingInvalid):
        rules.load(path)
    for text, field in (("{", str(path)), ('{"schema_version": 1}', "variables")):
        path.write_text(text)
        with pytest.raises(SettingInvalid) as refused:
            rules.load(path)
        assert refused.value.field == field


def test_a_caption_without_keywords_keeps_the_guides_description() -> None:
    """A model that only tells of the look adds to the description."""
    made = rules.reading(rules.gathered([[("style", "ink", 0.9)]]), 1, WORDS, Said("Bold shadows.", ()))
    assert made.style_guide.description.endswith("Bold shadows.")
