"""Bootstrap in the studio: a prompt out, an answer in, and nothing that was not shown."""

from __future__ import annotations

import json
from pathlib import Path

from bullpen_api.v1 import bootstrap_pb2
from bullpen_client.errors import FieldInvalid
from bullpen_tui.bible.preview import preview_lines, shown, unfenced
from textual.widgets import Input, TextArea

from tests.tui import story
from tests.tui.driving import Driver, studio

DOCUMENT = json.dumps({"characters": [{"id": "mara", "description": "grey hair"}]})


def changes() -> bootstrap_pb2.ImportBootstrapResponse:
    answer = bootstrap_pb2.ImportBootstrapResponse(updated=1, deleted=1, unchanged=7, digest="abc")
    one = answer.changes.add(
        action=bootstrap_pb2.BootstrapChange.ACTION_UPDATE, name=f"{story.PROJECT}/characters/mara"
    )
    one.differences.add(field="description", before_json='"red hair"', after_json='"grey hair"')
    answer.changes.add(
        action=bootstrap_pb2.BootstrapChange.ACTION_DELETE, name=f"{story.PROJECT}/characters/oskar", title="Oskar"
    )
    return answer


async def opened(at: Driver) -> None:
    await at.go("U", "universe")
    await at.go("b", "bootstrap")


def test_values_are_shown_for_people() -> None:
    """Texts without quotes, nothing as a dash, a fence around the answer is taken off."""
    assert (shown('"a  b"'), shown("[]"), shown('{"a":1}')) == ("a b", "–", '{"a": 1}')
    assert unfenced("```json\n{}\n```\n") == "{}"
    text = "\n".join(line.plain for line in preview_lines(changes()))
    assert "1 changed, 1 into the trash, 7 as they are" in text


async def test_an_answer_is_shown_before_it_changes_anything() -> None:
    """Pasting shows the difference; F5 asks because something goes to the trash, then imports what was shown."""
    async with studio(size=(80, 24)) as at:
        at.fake.imported = changes()
        await opened(at)
        at.app.screen.query_one("#answer", TextArea).text = f"```json\n{DOCUMENT}\n```"
        await at.until(lambda: "red hair" in at.screen_text(), "the difference")
        assert "grey hair" in at.screen_text()
        assert at.fake.asked("import_bootstrap") == [(story.PROJECT, DOCUMENT, False, "")]
        await at.press("f5")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("y")
        await at.until(lambda: at.place == "universe")
        assert at.fake.asked("import_bootstrap")[-1] == (story.PROJECT, DOCUMENT, False, "abc")


async def test_a_bad_document_is_refused_with_the_path_to_its_field(tmp_path: Path) -> None:
    """The path in the document, what is wrong, and that nothing was changed; F5 does nothing."""
    (tmp_path / "answer.json").write_text(DOCUMENT)
    async with studio(size=(80, 24)) as at:
        at.fake.refuse["import_bootstrap"] = FieldInvalid("It is empty.", field="document.characters[7].id")
        await opened(at)
        at.app.screen.query_one("#file", Input).value = str(tmp_path / "answer.json")
        await at.until(lambda: "document.characters[7].id" in at.screen_text().replace("\n", ""))
        assert "Nothing was changed." in at.screen_text()
        await at.press("f5")
        assert len(at.fake.asked("import_bootstrap")) == 1


async def test_the_prompt_is_saved_to_a_file(tmp_path: Path) -> None:
    """F3 asks where, and takes no file that is there; the file has the daemon's prompt.

    An answer that is not there is said in the preview.
    """
    (tmp_path / "notes.txt").write_text("mine")
    async with studio(size=(80, 24)) as at:
        await opened(at)
        await at.press("f3")
        await at.until(lambda: at.place == "PathDialog")
        for name, problem in (("notes.txt", "is there already"), ("no/prompt.txt", "There is no folder")):
            at.app.screen.query_one("#path-asked", Input).value = str(tmp_path / name)
            await at.press("enter")
            await at.until(lambda problem=problem: problem in at.words(".problem"))  # type: ignore[misc]
        at.app.screen.query_one("#path-asked", Input).value = str(tmp_path / "prompt.txt")
        await at.press("enter")
        await at.until((tmp_path / "prompt.txt").exists)
        assert (tmp_path / "prompt.txt").read_text() == "Write a bible."
        assert (tmp_path / "notes.txt").read_text() == "mine"
        at.app.screen.query_one("#file", Input).value = str(tmp_path / "none.json")
        await at.until(lambda: "cannot be read" in " ".join(at.screen_text().split()))
