"""J08 by talking: an export is asked for, asked back about, shown as a card, and made once a person confirmed it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import export_pb2, export_pb2_grpc, instruction_pb2
from bullpend.copilot.narrowing import narrow
from bullpend.copilot.rules import Ask, continued, understand
from bullpend.copilot.tools import tools
from bullpend.rpc.inside import Calls

from tests.copilot.test_chat import begin, say, words
from tests.copilot.worlds import WORLD, short
from tests.exports.asking import story
from tests.support.studio import Studio


@pytest.mark.parametrize(
    ("before", "answer", "meant"),
    [
        ("export scenes 1 to 3", "as CBZ", '{"format": "FORMAT_CBZ", "scenes": ["01", "02", "03"]}'),
        (
            "export scenes 1 to 3",
            "a pdf of its pages, please",
            '{"format": "FORMAT_PDF_PAGES", "scenes": ["01", "02", "03"]}',
        ),
        ("export everything as epub", "a comic book", '{"format": "FORMAT_CBZ"}'),
        (
            "export the comic to /srv/Out/x",
            "as a ZIP bundle",
            '{"destination": "/srv/Out/x", "format": "FORMAT_BUNDLE"}',
        ),
        (
            "export as cbz right to left",
            "2x3",
            '{"format": "FORMAT_CBZ", "layout": {"columns": 2, "rightToLeft": true, "rows": 3}}',
        ),
        ("export scene 9 as pdf", "scene 4", '{"format": "FORMAT_PDF_PAGES", "scenes": ["04"]}'),
    ],
)
def test_an_answer_completes_an_export(before: str, answer: str, meant: str) -> None:
    """The format, the panels or the scene that was asked for are added to what was said before."""
    asked = understand(before, WORLD)
    assert isinstance(asked, Ask)
    assert short(continued(before, asked.slot, answer, WORLD)) == f'PROPOSE CreateExport {{"spec": {meant}}}'


def test_other_words_than_a_format_are_asked_about_again() -> None:
    """What is no format is no answer, and an order of its own leaves the question behind."""
    assert isinstance(continued("export everything", "format", "the blue one", WORLD), Ask)
    assert short(continued("export everything", "format", "cancel the run", WORLD)).startswith("PROPOSE CancelRun")


def test_the_tool_of_a_model_is_the_call_itself() -> None:
    """It has the fields of the contract; a local model can name scenes that there are, and no file of the machine."""
    calls = Calls()
    calls.mount([(export_pb2_grpc.add_ExportServiceServicer_to_server, object(), "bullpen.v1.ExportService")])
    known = tools(calls)
    assert {"propose_CreateExport", "read_ListExports"} <= set(known)
    assert not any(tool.proposes for name, tool in known.items() if name != "propose_CreateExport")
    whole: Any = known["propose_CreateExport"].parameters
    assert set(whole["properties"]) == {"spec"}
    assert set(whole["properties"]["spec"]["properties"]) == {
        field.json_name for field in export_pb2.ExportSpec.DESCRIPTOR.fields
    }
    spec: Any = narrow(known, WORLD)["propose_CreateExport"].parameters["properties"]["spec"]
    assert spec["required"] == ["format"]
    assert spec["properties"]["scenes"]["items"]["enum"] == [WORLD.scene_name(scene.slug) for scene in WORLD.scenes]
    assert not {"destination", "overwrite"} & set(spec["properties"])


@pytest.mark.e2e
async def test_j08_said_asked_shown_confirmed_made(studio: Studio, tmp_path: Path) -> None:
    """The format is asked for, the card tells what it will be; made after the word, it is listed."""
    session, project = studio.session, await story(studio)
    chat = await begin(session, project)
    assert "Nothing was exported yet" in words(await say(session, chat, "list exports"))
    asked = await say(session, chat, f"export the accepted pages to {tmp_path}/Night.cbz as png")
    assert asked.parts[0].question.text.startswith("I cannot make “png”.")
    assert (await say(session, chat, "as CBZ")).parts[0].card.current.preview.summary.startswith("Export 2 pages")
    card = (await say(session, chat, "only scene 2")).parts[0].card.current
    facts = {fact.label: fact.value for fact in card.preview.facts}
    assert (facts["scenes"], facts["file"]) == ("s2", f"{tmp_path}/Night.cbz")
    assert not (tmp_path / "Night.cbz").exists()
    request = instruction_pb2.ConfirmInstructionRequest(name=card.name, digest=card.digest)
    await session.instructions.ConfirmInstruction(request)
    done = await studio.event(card.name, card.revision, "instruction.done")
    assert done.instruction.result.startswith(f"1 page in {tmp_path}/Night.cbz")
    rows = (await say(session, chat, "is the export done?")).parts[0].table.rows
    assert [list(row.cells)[:3] for row in rows] == [["e-0001", "cbz", "succeeded"]]
