"""The bible at the command line, against a real daemon: everything is added, changed, thrown away and brought back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, lineage_pb2
from bullpen_cli import keeping, references
from bullpen_cli.command import State
from click import UsageError

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture

pytestmark = pytest.mark.e2e


@pytest.fixture
async def real(home: Path, tmp_path: Path, bullpen: Bullpen) -> AsyncIterator[Daemon]:
    """A daemon with an empty project, which takes pictures of a style from the test's folder."""
    with Daemon(home, {"paths.style_roots": str(tmp_path)}) as serving:
        await good(bullpen, "projects", "create", "noir")
        yield serving


async def good(bullpen: Bullpen, *line: str) -> str:
    """Runs a line that must succeed; gives what it wrote."""
    done = await bullpen(*line)
    assert done.status == 0, done.err
    return done.out


async def as_json(bullpen: Bullpen, *line: str) -> dict[str, object]:
    """The answer of a line that must succeed, read."""
    answer: dict[str, object] = json.loads(await good(bullpen, *line, "--json"))
    return answer


async def test_scene_and_character_are_edited(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Only what is named changes; a look goes with the character that leaves the scene."""
    pier = str(write_picture(tmp_path / "pier.png", 1))
    for who in ("mara", "rosa"):
        await good(bullpen, "characters", "add", "noir", who, "--description", f"a woman called {who}")
    await good(bullpen, "characters", "edit", "noir", "mara", "--look", "coat=in a red coat", "--profile", "A diver.")
    await good(bullpen, "scenes", "add", "noir", pier, "--character", "mara", "--set", "time=dusk", "--set", "a=b")
    scene = await as_json(
        bullpen, "scenes", "edit", "noir", "pier", "--look", "mara=coat", "--set", "weather=rain", "--unset", "a"
    )
    assert scene["variables"] == {"time": "dusk", "weather": "rain"}
    assert scene["looks"] == {"mara": "coat"}
    assert "coat, description in a red coat" in await good(bullpen, "characters", "show", "noir", "mara")
    scene = await as_json(bullpen, "scenes", "edit", "noir", "pier", "--character", "rosa", "--place", "7")
    assert (scene["characters"], scene["looks"], scene["ordinal"]) == (["projects/noir/characters/rosa"], {}, 7)
    found = await as_json(bullpen, "scenes", "list", "noir", "--character", "mara")
    assert found == {"scenes": []}
    nothing = await bullpen("scenes", "edit", "noir", "pier")
    assert (nothing.status, len(nothing.err.splitlines())) == (2, 1)


async def test_what_is_deleted_can_be_restored(real: Daemon, bullpen: Bullpen) -> None:
    """Delete says how to undo it; the trash is listed on its own; restore brings everything back as it was."""
    await good(bullpen, "styles", "add", "noir", "ink", "--set", "style=ink")
    before = await as_json(bullpen, "styles", "show", "noir", "ink")
    done = await bullpen("styles", "delete", "noir", "ink")
    assert "bullpen styles restore noir ink" in done.err
    assert (await as_json(bullpen, "styles", "list", "noir"))["styleGuides"] == []
    assert "ink" in await good(bullpen, "styles", "list", "noir", "--trash")
    refused = await bullpen("styles", "edit", "noir", "ink", "--title", "x", "--json")
    assert (refused.status, refused.error["reason"]) == (1, "STATE_CONFLICT")
    assert "is back" in await good(bullpen, "styles", "restore", "noir", "ink")
    after = await as_json(bullpen, "styles", "show", "noir", "ink")
    assert {**after, "etag": "", "revision": ""} == {**before, "etag": "", "revision": ""}


async def test_reference_set_is_arranged(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Pictures are added, captioned, weighed, put into another order and taken out, by their numbers."""
    files = [str(write_picture(tmp_path / f"{n}.png", n)) for n in (1, 2, 3)]
    made = await as_json(bullpen, "references", "add", "noir", "look", *files[:2], "--for", "style")
    first, second = [item["asset"] for item in made["items"]]  # type: ignore[attr-defined]  # JSON
    edit = ("references", "edit", "noir", "look")
    changed = await as_json(bullpen, *edit, "--caption", "1=thick", "--weight", "2=2.5", "--order", "2,1")
    assert changed["items"] == [
        {"asset": second, "caption": "", "weight": 2.5},
        {"asset": first, "caption": "thick"},
    ]
    changed = await as_json(bullpen, *edit, "--remove", "1", "--add", files[2])
    assert changed["items"][0]["asset"] == first  # type: ignore[index]  # JSON
    await good(bullpen, "styles", "add", "noir", "ink", "--reference-set", "look")
    refused = await bullpen(*edit, "--remove", "1", "--remove", "2", "--json")
    assert (refused.error["reason"], refused.error["field"]) == ("REFERENCE_SET_EMPTY", "reference_set.items")


@pytest.mark.parametrize(
    "wrong",
    [
        {"captions": ("3=x",)},
        {"captions": ("one=x",)},
        {"weights": ("1=heavy",)},
        {"order": "1,1"},
        {"order": "1"},
        {"order": "1,2,3"},
        {"remove": (9,)},
    ],
)
def test_numbers_must_be_those_of_pictures(wrong: dict[str, object]) -> None:
    """A number that no picture has is a wrong command line, before anything is sent."""
    items = [bible_pb2.ReferenceItem(asset=name) for name in "ab"]
    how: dict[str, object] = {"captions": (), "weights": (), "order": None, "remove": (), **wrong}
    with pytest.raises(UsageError):
        references._rearranged(items, [], **how)  # type: ignore[arg-type]  # as the options come


async def test_template_is_rendered(real: Daemon, bullpen: Bullpen) -> None:
    """Words are filled and printed alone, so that they can be handed on; an unknown variable is named."""
    add = ("templates", "add", "noir", "mood", "--text", "{mood}, {style}", "--negative", "no {mood}")
    refused = await bullpen(*add, "--json")
    assert (refused.error["reason"], refused.error["field"]) == ("TEMPLATE_VARIABLE_UNKNOWN", "prompt_template.text")
    await good(bullpen, *add, "--variable", "mood=gloomy", "--stage", "style")
    done = await bullpen("templates", "render", "noir", "mood", "--set", "style=ink")
    assert (done.out, "no gloomy" in done.err) == ("gloomy, ink\n", True)
    await good(bullpen, "templates", "edit", "noir", "mood", "--variable", "mood", "--negative", "")
    missing = await bullpen("templates", "render", "noir", "mood", "--set", "style=ink", "--json")
    assert missing.error["field"] == "values.mood"


async def test_accounts_and_buckets_name_secrets(real: Daemon, bullpen: Bullpen) -> None:
    """An account and a project's bucket keep names of secrets; a pasted secret is refused and not repeated."""
    key = "sk-abcdefghijklmnop"
    add = ("providers", "add", "noir", "paid", "--with", "openai", "--secret")
    refused = await bullpen(*add, f"api_key={key}")
    assert refused.status == 1
    assert key not in refused.out + refused.err
    await good(bullpen, *add, "api_key=openai-main")
    changed = await as_json(bullpen, "providers", "edit", "noir", "paid", "--model", "gpt-image-1")
    assert (changed["defaultModel"], changed["secretNames"]) == ("gpt-image-1", {"api_key": "openai-main"})
    assert "openai-main" in await good(bullpen, "providers", "list", "noir", "--with", "openai")
    refused = await bullpen("projects", "edit", "noir", "--storage", "s3", "--json")
    assert refused.error["field"] == "project.s3.bucket"
    bucket = ("--bucket", "noir-city", "--region", "eu-west-1", "--secret", "access_key_id=aws-id")
    project = await as_json(bullpen, "projects", "edit", "noir", "--storage", "s3", *bucket)
    assert project["storage"] == "STORAGE_S3"
    assert "bullpen sync --bucket" in await good(bullpen, "projects", "show", "noir")
    await good(bullpen, "projects", "edit", "noir", "--prefix", "art")
    project = await as_json(bullpen, "projects", "show", "noir")
    assert (project["s3"]["prefix"], project["s3"]["bucket"]) == ("art", "noir-city")  # type: ignore[index]  # JSON


def test_a_picture_that_is_out_of_date_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """What lies inside of what a scene has is told in a sentence, and not as it goes over the wire."""
    reason = "Made from the style picture c-2, in whose place another one was accepted since."
    accepted = bible_pb2.AcceptedPicture(
        stage="ink", branch=1, stale=lineage_pb2.Staleness(stage="style", reason=reason)
    )
    keeping.show(State(), bible_pb2.Scene(name="projects/p/scenes/s", title="S", accepted=[accepted]))
    shown = " ".join(capsys.readouterr().out.split())
    assert f"1. stage ink, stale ({reason}), branch 1" in shown


async def test_j03_bootstrap_goes_out_and_comes_back(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """A prompt is printed; an answer, also in a fence, is shown, and applied once somebody says so."""
    await good(bullpen, "characters", "add", "noir", "mara", "--description", "a woman")
    prompt = await good(bullpen, "bootstrap", "export", "noir")
    assert "JSON Schema" in prompt
    assert '"a woman"' in prompt
    document = json.loads(await good(bullpen, "bootstrap", "export", "noir", "--what", "document"))
    document["characters"][0]["description"] = "a woman with red hair"
    document["scenes"].append({"id": "pier", "characters": ["mara"]})
    answer = tmp_path / "answer.json"
    answer.write_text(f"Here it is:\n```json\n{json.dumps(document)}\n```\n")
    line = ("bootstrap", "import", "noir", str(answer))
    shown = await good(bullpen, *line, "--dry-run")
    assert "~ changed           characters/mara" in shown
    assert '- "a woman"\n      + "a woman with red hair"' in shown
    assert "+ new               scenes/pier" in shown
    assert (await as_json(bullpen, "scenes", "list", "noir"))["scenes"] == []
    assert (await bullpen(*line)).status == 2
    assert "1 new, 1 changed" in await good(bullpen, *line, "--yes")
    again = await as_json(bullpen, *line, "--yes", "--replace")
    assert (again["changes"], again["unchanged"]) == ([], 2)
    document["scenes"][0]["description"] = "A long walk. " * 30
    answer.write_text(json.dumps(document))
    await good(bullpen, *line, "--yes")
    document["scenes"][0]["description"] += "And an end."
    answer.write_text(json.dumps(document))
    assert "And an end." in await good(bullpen, *line, "--dry-run"), "a diff shows what differs, wherever it lies"
    document["scenes"][0]["title"] = "The\x1b[31m pier"
    answer.write_text(json.dumps(document))
    refused = await bullpen(*line, "--yes", "--json")
    assert (refused.status, refused.error["field"]) == (1, "document.scenes[0].title")
    assert refused.error["message"].startswith("`document.scenes[0].title` holds the control character U+001B")
    document["scenes"][0]["title"] = "The pier"
    document["characters"][0]["hair"] = "red"
    answer.write_text(json.dumps(document))
    refused = await bullpen(*line, "--yes", "--json")
    assert (refused.status, refused.error["field"]) == (1, "document.characters[0].hair")
    schema = json.loads(await good(bullpen, "bootstrap", "export", "noir", "--what", "schema"))
    assert "characters" in schema["properties"]
