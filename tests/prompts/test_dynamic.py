"""Dynamic prompts and weights: the language, its limits, and that the same seed always gives the same words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from bullpend.errors import BullpenError, FieldInvalid, LimitExceeded, ResourceNotFound, SettingInvalid
from bullpend.prompts import dynamic, enhance, weights
from bullpend.prompts.wildcards import Wildcards
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
LISTS: dict[str, Sequence[str]] = {
    "weather": ("rain", "snow", "fog"),
    "place": ("a pier", "a {quiet|loud} market"),
    "loop": ("__loop__ again",),
    "a_b": ("under_score",),
}


KNOWN = [
    "red boats in rain, near, still",
    "red boats in snow, near, still",
    "blue boats in rain, far, still",
    "green boats in fog, near, still",
]


def lines(name: str) -> Sequence[str]:
    if name not in LISTS:
        raise ResourceNotFound(f"There is no wildcard {name}.")
    return LISTS[name]


def texts(text: str, seeds: int = 300) -> Counter[str]:
    """What a text becomes over many seeds."""
    return Counter(dynamic.expand(text, seed, lines).text for seed in range(seeds))


def test_one_of_two() -> None:
    """Both options come, about as often, and nothing else."""
    found = texts("a {red|blue} boat")
    assert set(found) == {"a red boat", "a blue boat"}
    assert min(found.values()) > 100


def test_some_of_several() -> None:
    """Different options, in their order, joined by a comma or by what is said."""
    assert set(texts("{2$$a|b|c}")) == {"a, b", "a, c", "b, c"}
    assert set(texts("{2$$ and $$a|b}")) == {"a and b"}
    assert set(texts("{0-1$$a|b}")) == {"", "a", "b"}
    assert set(texts("{2-5$$a|b}")) == {"a, b"}


def test_weighted_options() -> None:
    """An option with a weight comes as much more often; one of weight nothing never."""
    found = texts("{9::a|b}")
    assert found["a"] > 5 * found["b"] > 0
    assert set(texts("{0::a|b}")) == {"b"}


def test_wildcards_and_nesting() -> None:
    """A wildcard's line may hold choices; names may hold an underscore."""
    assert set(texts("__weather__")) == {"rain", "snow", "fog"}
    assert set(texts("{__place__|home}")) == {"a pier", "a quiet market", "a loud market", "home"}
    assert set(texts("__a_b__")) == {"under_score"}
    assert set(texts("{a|{b|c} d}")) == {"a", "b d", "c d"}


def test_what_is_no_choice_stays() -> None:
    """Variables of templates, single underscores and escaped signs are words."""
    for text in ("Redraw this in {style} style.", "snake_case_name", "a__b", "{}", "(x:1.2)", "{__weather__}"):
        assert dynamic.expand(text, 1, lines).text == text
    assert dynamic.expand(r"\{a\|b\} and {\||\|}", 1, lines).text == "{a|b} and |"


def test_the_same_seed_gives_the_same_words() -> None:
    """These are kept in recipes: a change of them would change old pictures."""
    text = "{red|blue|green} boats in __weather__, {2$$near|far|still}"
    assert [dynamic.expand(text, seed, lines).text for seed in (0, 1, 2, 4_294_967_295)] == KNOWN


def test_a_draw_depends_on_its_own_place() -> None:
    """Another choice at the end of a text does not change what came before it."""
    before = [dynamic.expand("{a|b|c|d} {e|f|g}", seed, lines).choices[0].became for seed in range(50)]
    after = [dynamic.expand("{a|b|c|d} {e|f|g} {h|i}", seed, lines).choices[0].became for seed in range(50)]
    assert before == after


def test_choices_are_told() -> None:
    """What each choice became is kept, in the order of the text."""
    made = dynamic.expand("{red|blue} __weather__", 3, lines)
    assert [one.written for one in made.choices] == ["{red|blue}", "__weather__"]
    assert " ".join(one.became for one in made.choices) == made.text


@pytest.mark.parametrize(
    ("text", "count"),
    [("a", 1), ("{a|b}", 2), ("{a|b} {c|d|e}", 6), ("{2$$a|b|c}", 3), ("{1-2$$a|b|c}", 6), ("__place__", 3)],
)
def test_combinations(text: str, count: int) -> None:
    """The number of draws is that of the texts, where no two are the same."""
    assert dynamic.combinations(text, lines) == count == len(texts(text, 600))


def test_too_many_combinations_are_not_counted() -> None:
    """Beyond counting is 0, also for a wildcard that holds itself."""
    assert dynamic.combinations("{a|b|c|d|e|f|g|h}" * 30, lines) == 0
    assert dynamic.combinations("__loop__", lines) == 0


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("{a|b", FieldInvalid),
        ("a|b}", FieldInvalid),
        ("{x$$a|b}", FieldInvalid),
        ("{5$$a|b}", FieldInvalid),
        ("{2-1$$a|b|c}", FieldInvalid),
        ("{1$$,$$;$$a|b}", FieldInvalid),
        ("__nothing__", ResourceNotFound),
        ("__loop__", LimitExceeded),
        ("{a|b} " * 3000, LimitExceeded),
        ("{" * 40 + "a|b" + "}" * 40, BullpenError),
    ],
)
def test_what_is_malformed_is_refused(text: str, error: type[BullpenError]) -> None:
    """Each fault is named; nothing hangs, and nothing grows without end."""
    if text.startswith("{{"):
        assert dynamic.expand(text, 1, lines).text  # braces around a choice are words
        return
    with pytest.raises(error):
        dynamic.expand(text, 1, lines)


@settings(max_examples=200, deadline=None)
@given(st.text("{}|$_:\\ab1 -", max_size=60), st.integers(0, 2**32 - 1))
def test_any_text_is_read_or_refused(text: str, seed: int) -> None:
    """No text breaks the reader, and what it gives does not depend on when it is asked."""
    try:
        first = dynamic.expand(text, seed, lines)
    except BullpenError:
        return
    assert dynamic.expand(text, seed, lines) == first


def test_weights_are_found_and_taken_out() -> None:
    """Signs of weights go, phrases stay; inner ones multiply."""
    assert weights.read("a (red:1.2) boat") == ("a red boat", [weights.Weighted("red", 1.2)])
    plain, found = weights.read("((old:1.5) pier:0.5), (plain) words")
    assert plain == "old pier, (plain) words"
    assert {one.text: one.weight for one in found} == {"old": 0.75, "old pier": 0.5}
    assert weights.read(r"\(x:1.2\)") == (r"\(x:1.2\)", [])


def test_wildcard_files(tmp_path: Path) -> None:
    """A project's file goes before the home's; comments, other folders and links out of it are not read."""
    own, home = tmp_path / "own", tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    own.mkdir()
    (home / "weather.txt").write_text("# comment\nrain\n\n snow \n")
    (home / "sub" / "hats.txt").write_text("cap\n")
    (own / "weather.txt").write_text("fog\n")
    (tmp_path / "secret.txt").write_text("hidden\n")
    (home / "link.txt").symlink_to(tmp_path / "secret.txt")
    found = Wildcards([own, home])
    assert found.lines("weather") == ("fog",)
    assert found.lines("sub/hats") == ("cap",)
    assert [one.name for one in found.all()] == ["sub/hats", "weather"]
    for name in ("../secret", "link", "none", "weather.txt"):
        with pytest.raises(ResourceNotFound):
            found.lines(name)
    (own / "empty.txt").write_text("# nothing\n")
    with pytest.raises(LimitExceeded):
        found.lines("empty")


STYLES = enhance.load(ROOT / "settings" / enhance.FILE_NAME)


def test_each_family_gets_its_form() -> None:
    """Tags for SDXL, sentences for Flux, one instruction for an edit model."""
    text = "a lighthouse at night, (rain:1.3), Rain, masterpiece"
    tags = enhance.enhance(text, "", "sdxl", STYLES.of("sdxl"))
    assert tags.text.startswith("lighthouse at night, rain, masterpiece, ")
    assert tags.negative_text
    flux = enhance.enhance(text, "", "flux", STYLES.of("flux"))
    assert flux.text.startswith("A lighthouse at night, with rain.")
    edit = enhance.enhance("change the weather to rain, 8k", "", "instruct-pix2pix", STYLES.of("instruct-pix2pix"))
    assert (edit.text, edit.negative_text) == ("Change the weather to rain.", "")
    assert any("ignore weights" in note for note in tags.notes)
    assert any("says nothing" in note for note in edit.notes)
    assert STYLES.of("something new") == STYLES.of("flux")


def test_enhancing_twice_adds_nothing() -> None:
    """What is in the family's form already stays as it is."""
    for family in ("sdxl", "flux", "instruct-pix2pix"):
        once = enhance.enhance("a pier at dusk, two boats", "fog", family, STYLES.of(family))
        again = enhance.enhance(once.text, once.negative_text, family, STYLES.of(family))
        assert (again.text, again.negative_text) == (once.text, once.negative_text)


def test_a_wrong_styles_file_names_the_place(tmp_path: Path) -> None:
    """A form that is not there, a wrong type and no JSON are refused by their path."""
    file = tmp_path / "prompt-styles.json"
    for text, field in (
        ('{"schema_version": 1, "forms": {}, "families": {"sdxl": "tags"}, "other": "tags"}', "families.sdxl"),
        ('{"schema_version": 1, "forms": {"a": {"form": 1}}, "families": {}, "other": "a"}', "forms.a.form"),
        ("{", str(file)),
    ):
        file.write_text(text)
        with pytest.raises(SettingInvalid) as refused:
            enhance.load(file)
        assert refused.value.field == field
