"""J04 without a language model: the built-in copilot's grammar, phrase by phrase, and what holds for every sentence."""

from __future__ import annotations

import dataclasses
import random
import re
from pathlib import Path

import pytest
from bullpend.copilot import following, spelling, vocabulary
from bullpend.copilot.rules import Ask, Propose, Read, Say, changed, continued, ordered, understand
from bullpend.copilot.world import SceneWords, World
from bullpend.errors import SettingInvalid
from bullpend.instructions.model import CREATE_RUN
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.copilot.worlds import WORLD, short


def _table(*names: str) -> list[tuple[str, str]]:
    """Phrases with what they mean: two lines each, the second one indented."""
    here = Path(__file__)
    lines = [line for name in names for line in here.with_name(name).read_text(encoding="utf-8").splitlines()]
    return [(said, meant.strip()) for said, meant in zip(lines[::2], lines[1::2], strict=True)]


TABLE = _table("phrasings.txt", "phrasings_fresh.txt", "phrasings_exports.txt")
ORDERS = [said for said, meant in TABLE if meant.startswith("PROPOSE") and not re.search('because|"', said)]


@pytest.mark.parametrize(("said", "meant"), TABLE, ids=[said for said, _ in TABLE])
def test_phrase(said: str, meant: str) -> None:
    """Each phrase of the table means what stands below it."""
    assert short(understand(said, WORLD)) == meant


def test_phrases_by_other_hands() -> None:
    """Each phrase means what stands below it; these were written by people who had not seen the rules."""
    table = _table("phrasings_hands.txt")
    wrong = [(said, found) for said, meant in table if (found := short(understand(said, WORLD))) != meant]
    assert not wrong
    assert len(table) > 200


def test_what_is_said_about_a_card() -> None:
    """Another number, other scenes, the same once more, something else: read in the light of what was just shown."""
    wrong = []
    for said, meant in _table("phrasings_follow.txt"):
        before, _, answer = said.partition(" » ")
        if (found := short(changed(before, answer, WORLD))) != meant:
            wrong.append((said, found))
    assert not wrong


def test_changes_of_a_card_follow_each_other() -> None:
    """Each change is one of the order as it is by then; a question in between, or a new order, begins anew."""
    found = understand("run time on all scenes at night", WORLD)
    for answer, meant in (
        ("make it 4 candidates", '{"candidates": 4, "scenes": {}, "stage": "time", "variables": {"time": "night"}}'),
        (
            "without scene 1",
            '{"candidates": 4, "scenes": {"scenes": ["02", "03", "04", "05", "06"]}, "stage": "time", "variables": '
            '{"time": "night"}}',
        ),
        (
            "only scenes 2 and 3",
            '{"candidates": 4, "scenes": {"scenes": ["02", "03"]}, "stage": "time", "variables": {"time": "night"}}',
        ),
        ("the same for weather", '{"candidates": 4, "scenes": {"scenes": ["02", "03"]}, "stage": "weather"}'),
    ):
        assert isinstance(found, Propose)
        found = changed(following.kept(found.calls), answer, WORLD)
        assert short(found) == f'PROPOSE CreateRun {{"spec": {meant}}}', answer


def test_a_plan_is_proposed_by_a_word() -> None:
    """After `what would … cost` the run is proposed by `run it`; that is a card, and no confirmation."""
    planned = understand("what would style on all scenes cost?", WORLD)
    assert isinstance(planned, Read)
    kept = following.kept(((CREATE_RUN, planned.about),))
    for answer in ("run it", "ok, do it", "go ahead", "yes please"):
        assert short(ordered(kept, answer, WORLD)) == 'PROPOSE CreateRun {"spec": {"scenes": {}, "stage": "style"}}'
    assert short(ordered(kept, "with 4 candidates", WORLD)).startswith('PROPOSE CreateRun {"spec": {"candidates": 4')
    assert isinstance(ordered(kept, "zebra", WORLD), Ask)


def test_pictures_are_brought_to_the_projects_own_place() -> None:
    """Without a place they go to the project's bucket where it names one; otherwise it is asked where."""
    with_bucket = dataclasses.replace(WORLD, bucket="comics")
    assert short(understand("back up the project", with_bucket)) == 'PROPOSE SyncStorage {"bucket": true}'
    asked = understand("back up the project", WORLD)
    assert isinstance(asked, Ask)
    for answer, meant in (("to the bucket", '{"bucket": true}'), ("/srv/Backup", '{"folder": "/srv/Backup"}')):
        assert short(continued("back up the project", asked.slot, answer, WORLD)) == f"PROPOSE SyncStorage {meant}"


def test_what_the_agent_is_to_do_is_the_persons_own_words() -> None:
    """Case and signs stay, nothing of it is an order of the studio, and what is missing is asked for."""
    said = "please ask the agent to: Run style on ALL scenes, then confirm i-0001!"
    found = understand(said, WORLD)
    assert short(found) == 'PROPOSE HandOver {"objective": "Run style on ALL scenes, then confirm i-0001"}'
    asked = understand("hand scene 3 over to the agent", WORLD)
    assert isinstance(asked, Ask)
    assert short(continued("hand scene 3 over to the agent", asked.slot, "letter it", WORLD)) == (
        'PROPOSE HandOver {"objective": "letter it (scene 3)"}'
    )


@pytest.mark.parametrize("word", ["zebra", "unless", "never", "purple"])
def test_no_word_is_dropped(word: str) -> None:
    """A word that nobody knows, anywhere in an order, turns it into a question; nothing is proposed on the quiet."""
    chance = random.Random(word)
    for said in chance.sample(ORDERS, 100):
        words = said.split()
        words.insert(chance.randint(0, len(words)), word)
        found = understand(" ".join(words), WORLD)
        assert not isinstance(found, Propose), " ".join(words)


@pytest.mark.parametrize("word", ["zebra", "never", "unless"])
def test_no_word_is_dropped_by_other_hands_either(word: str) -> None:
    """The same for orders by other hands; what the agent is to do is its own, and shown before it is sent."""
    chance = random.Random(word)
    orders = [said for said, meant in _table("phrasings_hands.txt") if meant.startswith("PROPOSE")]
    ours = [said for said in orders if not re.search(r"agent|because|since|too slow", said)]
    for said in chance.sample(ours, 40):
        words = said.split()
        words.insert(chance.randint(0, len(words)), word)
        assert not isinstance(understand(" ".join(words), WORLD), Propose), " ".join(words)


@pytest.mark.parametrize(
    "said",
    [
        "never ask the agent to redraw scene 2",
        "don't let the agent redraw scene 2",
        "I do not want the agent to redraw scene 2",
        "ask the agent not to redraw scene 2",
        "should the agent redraw scene 2?",
        "what did you tell the agent to do?",
        "make the agent stop",
        "the agent should be configured",
        "is the agent to redraw scene 2?",
    ],
)
def test_nothing_is_handed_over_that_nobody_ordered(said: str) -> None:
    """A no, a doubt and a question about the agent are no orders for it."""
    assert not isinstance(understand(said, WORLD), Propose)


@pytest.mark.parametrize(
    "said",
    [
        "run stale on scene 1",
        "run grain on scene 1",
        "run style on scene 1 whether it fits",
        "stop the bun",
        "retype it",
    ],
)
def test_other_words_are_no_slips(said: str) -> None:
    """Only a letter swapped, doubled or left out is a slip; a word that is another word is asked about."""
    assert not isinstance(understand(said, WORLD), Propose)


def test_names_are_never_mended() -> None:
    """A scene or character whose name is near to a word of the studio keeps it."""
    world = dataclasses.replace(WORLD, characters={"rian": "Rian", "stlye": "Stlye"})
    assert spelling.mended("Rian and Stlye in the wether", world) == "rian and stlye in the weather"
    assert spelling.mended("accept candidate 2 of scene 3 because of the stlye", WORLD).endswith("stlye")


@pytest.mark.parametrize("count", ["two", "3", "a couple of", "a pair of", "one of the", "five of the"])
def test_how_many_is_not_which(count: str) -> None:
    """`two scenes` is no scene 2: it is asked which."""
    asked = understand(f"run style on {count} scenes", WORLD)
    assert isinstance(asked, Ask)
    assert asked.slot == "scenes"


@pytest.mark.parametrize(
    "said",
    [
        "first style on scene 1, then weather on scene 1",
        "style on all scenes and weather on scene 2",
        "run style on scene 1 and then delete scene 2",
        "run style on scene 1 and weather on scene 2 if that works",
    ],
)
def test_a_part_that_waits_or_is_not_understood_holds_all_back(said: str) -> None:
    """Of several orders in one sentence either all are proposed or none; what depends on another is asked about."""
    assert isinstance(understand(said, WORLD), Ask)


@pytest.mark.parametrize(
    "said",
    [
        "run style on all scenes please, thank you",
        "  run   style on\tall scenes.  ",
        "RUN STYLE ON ALL SCENES!!!",
        "Run style on all scenes…",
    ],
)
def test_manners_change_nothing(said: str) -> None:
    """Blanks, capitals, signs and politeness do not change what is meant."""
    assert short(understand(said, WORLD)) == 'PROPOSE CreateRun {"spec": {"scenes": {}, "stage": "style"}}'


@pytest.mark.parametrize(
    ("before", "answer", "meant"),
    [
        ("run style", "all of them", '{"spec": {"scenes": {}, "stage": "style"}}'),
        ("run style", "1 and 3", '{"spec": {"scenes": {"scenes": ["01", "03"]}, "stage": "style"}}'),
        ("run style", "all 6 scenes", '{"spec": {"scenes": {}, "stage": "style"}}'),
        ("run on all scenes", "weather", '{"spec": {"scenes": {}, "stage": "weather"}}'),
        (
            "run style with some candidates on scene 2",
            "3",
            '{"spec": {"candidates": 3, "scenes": {"scenes": ["02"]}, "stage": "style"}}',
        ),
        ("run style on scene 9", "scene_03", '{"spec": {"scenes": {"scenes": ["03"]}, "stage": "style"}}'),
    ],
)
def test_an_answer_completes_the_question(before: str, answer: str, meant: str) -> None:
    """What was missing is taken from the next message; the sentence before is not said again."""
    asked = understand(before, WORLD)
    assert isinstance(asked, Ask)
    found = continued(before, asked.slot, answer, WORLD)
    assert short(found) == f"PROPOSE CreateRun {meant}"


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("make it 4 candidates", '{"spec": {"candidates": 4, "scenes": {"scenes": ["02", "03"]}, "stage": "style"}}'),
        (
            "no, 5 candidates instead",
            '{"spec": {"candidates": 5, "scenes": {"scenes": ["02", "03"]}, "stage": "style"}}',
        ),
        ("only scene 4", '{"spec": {"candidates": 3, "scenes": {"scenes": ["04"]}, "stage": "style"}}'),
        (
            "use seed 9",
            '{"spec": {"candidates": 3, "scenes": {"scenes": ["02", "03"]}, "seed": "9", "stage": "style"}}',
        ),
    ],
)
def test_a_card_is_changed_by_a_word(answer: str, meant: str) -> None:
    """Part of what was just shown is replaced; the rest stays as it was said."""
    assert (
        short(changed("run style on scenes 2 and 3 with 3 candidates", answer, WORLD)) == f"PROPOSE CreateRun {meant}"
    )


@pytest.mark.parametrize(
    "answer", ["zebra", "3", "run weather", "without scene 5", "make it better", "one more", "add a dragon"]
)
def test_what_does_not_replace_a_part_is_asked_about(answer: str) -> None:
    """What means nothing on the card, or something that is not on it, changes no card on the quiet."""
    assert not isinstance(changed("run style on scenes 2 and 3 with 3 candidates", answer, WORLD), Propose)


def test_a_new_order_leaves_the_question_behind() -> None:
    """Somebody who was asked for scenes may say something else."""
    assert short(continued("run style", "scenes", "cancel the run", WORLD)).startswith("PROPOSE CancelRun")
    assert short(continued("run style", "scenes", "status", WORLD)).startswith("READ status")
    assert isinstance(continued("run style", "scenes", "purple zebra", WORLD), Ask)


def test_numbers_that_mean_two_scenes_are_asked_about() -> None:
    """After a scene was deleted, `scene 2` may be the second one or the one that is numbered so."""
    scenes = tuple(SceneWords(f"scene_0{number}", f"S{number}", number) for number in (1, 3, 4))
    world = dataclasses.replace(WORLD, scenes=scenes)
    asked = understand("run style on scene 3", world)
    assert isinstance(asked, Ask)
    assert asked.choices == ("scene_03", "scene_04")
    assert short(understand("run style on scene_03", world)).startswith("PROPOSE")


def test_a_scene_may_be_called_like_its_universe() -> None:
    """`Harbor Lights` is the universe after `all scenes of`, and the scene elsewhere."""
    scenes = (*WORLD.scenes[:3], SceneWords("scene_04", "Harbor lights", 4))
    world = dataclasses.replace(WORLD, project="harbor_lights", title="Harbor Lights", scenes=scenes)
    assert '"scenes": {}' in short(understand("run style on all scenes of Harbor Lights", world))
    assert '"scenes": {}' in short(understand("run style on everything in harbor_lights, 2 candidates", world))
    found = understand("run style on Harbor lights", world)
    assert isinstance(found, Propose)
    assert found.calls[0][1]["spec"]["scenes"] == {"scenes": ["projects/harbor_lights/scenes/scene_04"]}


def test_an_empty_project_is_not_guessed_about() -> None:
    """Without scenes or runs there is nothing to propose, and it says so."""
    world = dataclasses.replace(WORLD, scenes=(), runs=())
    said = {"run style on all scenes": "no_scenes", "cancel the run": "nothing_active", "retry": "nothing_to_retry"}
    for text, meant in said.items():
        found = understand(text, world)
        assert isinstance(found, Say)
        assert found.what == meant


def test_a_confirmation_in_words_is_no_order() -> None:
    """Whatever is said, the grammar has no wish that confirms."""
    for said in ("y", "yes", "confirm", "confirm i-0001", "please confirm all instructions", "approve everything"):
        assert isinstance(understand(said, WORLD), Say)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120))
def test_any_text_is_read(said: str) -> None:
    """No text breaks the reader; only words of the studio propose anything."""
    assert isinstance(understand(said, WORLD), Ask | Read | Say | Propose)


WORDS = sorted({word for said, _ in TABLE for word in said.split()})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14))
def test_words_of_the_studio_in_any_order_are_read(words: list[str]) -> None:
    """What is proposed names scenes of the project only, and never more candidates than a picture may have."""
    found = understand(" ".join(words), WORLD)
    if isinstance(found, Propose):
        for _, said in found.calls:
            spec = said.get("spec", {})
            scenes = spec.get("scenes", ())
            named = scenes if isinstance(scenes, list) else dict(scenes).get("scenes", ())
            assert set(named) <= {WORLD.scene_name(s.slug) for s in WORLD.scenes}
            assert 0 <= spec.get("candidates", 0) <= WORLD.candidate_cap


def test_a_long_message_is_not_read() -> None:
    """A message that is no sentence is answered at once."""
    assert isinstance(understand("run style " * 100_000, WORLD), Ask)
    assert isinstance(understand("all of " * 550, World("p")), Ask)


def test_the_vocabulary_names_its_faults(tmp_path: Path) -> None:
    """A missing file is no vocabulary; a wrong one names the place."""
    assert vocabulary.load(tmp_path / "none.json").stage("ink", "Ink", 2).names == ()
    for text, field in (
        ("{", ""),
        ('{"schema_version": 1, "stages": {"style": {"name": []}}}', "stages.style.name"),
        ('{"schema_version": 2, "stages": {}}', "schema_version"),
    ):
        path = tmp_path / "copilot.json"
        path.write_text(text)
        with pytest.raises(SettingInvalid) as refused:
            vocabulary.load(path)
        assert refused.value.field == (field or str(path))
