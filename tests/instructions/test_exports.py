"""J08 by instruction: an export is shown with what it holds, followed to its end, stopped and taken up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import export_pb2, export_pb2_grpc, instruction_pb2, run_pb2
from bullpen_client import errors
from bullpend.db import Row
from bullpend.errors import StateConflict
from bullpend.exports import store as exports
from bullpend.exports import wire
from bullpend.instructions import store
from bullpend.instructions.model import EXPORT

from tests.exports.asking import BUNDLE, CBZ, PAGES, story
from tests.instructions.books import draft
from tests.instructions.rooms import Room, furnished, working
from tests.instructions.test_service import confirm, ended, propose
from tests.support.studio import Studio

pb = export_pb2


class Exports:
    """Begins, stops and restarts exports as far as instructions can tell; the test says what becomes of them."""

    def __init__(self, room: Room) -> None:
        self.database = room.database
        self.asked: list[str] = []
        self.finished_first = False

    async def CreateExport(self, request: Any, context: Any) -> pb.Export:  # noqa: N802
        self.asked.append("create")

        def write(tx: Any) -> str:
            row = exports.create(tx, "p", b"", pb.Export().SerializeToString(), Path("/srv/p.cbz"), "")
            said = {"request_id": request.request_id, "method": "m", "digest": "d", "time": tx.now}
            tx.insert("requests", {**said, "answer": wire.name_of(row)})
            return wire.name_of(row)

        return pb.Export(name=await self.database.write(write))

    async def CancelExport(self, request: Any, context: Any) -> pb.Export:  # noqa: N802
        self.asked.append("cancel")
        if self.finished_first:
            await self.to("SUCCEEDED")
            raise StateConflict("It was finished before it could be stopped.")
        await self.to("CANCELED")
        return pb.Export(name=request.name)

    async def RestartExport(self, request: Any, context: Any) -> pb.Export:  # noqa: N802
        self.asked.append("restart")
        await self.to("SUCCEEDED")
        return pb.Export(name=request.name)

    async def to(self, state: str, error: str = "") -> None:
        """Every export is in this state from now on."""
        told = pb.Export(figures=pb.ExportFigures(pages=6, pictures=6), left_out=[pb.LeftOut(title="Coda")])
        sql = "UPDATE exports SET state = ?, error = ?, size_bytes = 1234567, told = ?"
        await self.database.write(lambda tx: tx.run(sql, state, error, told.SerializeToString()))


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with furnished(tmp_path) as made:
        yield made


def served(room: Room) -> Exports:
    """The room with a stand-in for the exports."""
    made = Exports(room)
    room.calls.mount([(export_pb2_grpc.add_ExportServiceServicer_to_server, made, "bullpen.v1.ExportService")])
    return made


async def confirmed(room: Room) -> Row:
    """An export that a person has confirmed."""
    inputs = '{"spec": {"format": "FORMAT_CBZ"}}'
    columns = draft(method=EXPORT, inputs=inputs, expire_time=room.clock.at + 60, executor="DAEMON")

    def write(tx: Any) -> Row:
        row = store.confirm(tx, store.create(tx, columns), "d1", False)
        assert row is not None
        return row

    return await room.database.write(write)


async def test_an_export_is_followed_to_its_end(room: Room) -> None:
    """The instruction runs as long as its export does, and says then where the file lies and what is not in it."""
    served_by = served(room)
    row = await confirmed(room)
    async with working(room.worker(), room.worker()):
        await room.until(row["slug"], lambda now: bool(served_by.asked))
        assert (await room.row(row["slug"]))["state"] == "RUNNING"
        await served_by.to("SUCCEEDED")
        done = await room.until(row["slug"], lambda now: now["state"] == "DONE")
    assert done["result"] == "6 pages in /srv/p.cbz (1.2 MB); 1 scene had no accepted picture."
    assert served_by.asked == ["create"]


async def test_the_end_of_an_instruction_is_the_end_of_its_export(room: Room) -> None:
    """Canceled while it is made, the export is stopped first; one that was quicker is done all the same."""
    served_by = served(room)
    for quicker, state in ((False, "CANCELED"), (True, "DONE")):
        served_by.finished_first = quicker
        row = await confirmed(room)
        async with working(room.worker()):
            await room.until(row["slug"], lambda now: served_by.asked[-1:] == ["create"])
            await room.desk.cancel("p", row["slug"])
            assert (await room.until(row["slug"], lambda now, want=state: now["state"] == want))["result"]  # type: ignore[misc]
    assert served_by.asked == ["create", "cancel"] * 2


async def test_an_export_that_a_daemon_s_end_cut_off_is_made_once_more(room: Room) -> None:
    """The next daemon finds the interrupted export by the instruction's name, and makes that one, not another."""
    served_by = served(room)
    row = await confirmed(room)
    async with working(room.worker()):
        await room.until(row["slug"], lambda now: bool(served_by.asked))
    await served_by.to("INTERRUPTED")
    await room.database.write(store.recover)
    async with working(room.worker()):
        await room.until(row["slug"], lambda now: now["state"] == "DONE")
    assert served_by.asked == ["create", "restart"]


async def test_why_an_export_failed_is_why_its_instruction_did(room: Room) -> None:
    """A failed export is not made again on the quiet; its reason stands in the instruction."""
    served_by = served(room)
    row = await confirmed(room)
    async with working(room.worker()):
        await room.until(row["slug"], lambda now: bool(served_by.asked))
        await served_by.to("FAILED", '{"reason": "CONTENT_LOST", "message": "A file is gone.", "remedy": "Copy it."}')
        failed = await room.until(row["slug"], lambda now: now["state"] == "FAILED")
    assert '"CONTENT_LOST"' in failed["error"]
    assert failed["failures"] == 1


@pytest.mark.e2e
async def test_j08_from_card_to_file(studio: Studio, tmp_path: Path) -> None:
    """The card says format, pages, size and place; another acceptance makes it stale; then the file lies there."""
    session, project = studio.session, await story(studio)
    wish = pb.CreateExportRequest(spec=pb.ExportSpec(format=CBZ, destination=str(tmp_path)))
    shown = await propose(session, project, EXPORT, wish)
    slug = project.rpartition("/")[2]
    facts = {fact.label: fact.value for fact in shown.preview.facts}
    assert shown.preview.summary == f"Export 2 pages of {slug} as a comic book archive (CBZ)"
    assert facts["scenes"] == "all that have an accepted picture (2)"
    assert (facts["file"], facts["pages"]) == (str(tmp_path / f"{slug}.cbz"), "2")
    assert facts["size"].endswith(" kB")
    assert not list(tmp_path.glob("*.cbz"))
    run = (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs[0]
    loser = next(one for one in await studio.candidates(run) if not one.accepted)
    await session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=loser.name, reason="better light"))
    with pytest.raises(errors.InstructionStale):
        await confirm(session, shown)
    request = instruction_pb2.GetInstructionRequest(name=shown.name)
    anew = await session.instructions.GetInstruction(request)
    await confirm(session, anew)
    done = await ended(studio, anew)
    assert done.state == instruction_pb2.Instruction.STATE_DONE
    assert done.result.startswith(f"2 pages in {tmp_path / f'{slug}.cbz'}")
    made = (await session.exports.ListExports(pb.ListExportsRequest(parent=project))).exports
    assert [(one.state, one.path) for one in made] == [(pb.Export.STATE_SUCCEEDED, facts["file"])]


@pytest.mark.e2e
async def test_an_export_that_would_be_refused_leaves_no_card(studio: Studio, tmp_path: Path) -> None:
    """Nothing accepted, no format, a file that lies there, and a mere look are refused before anybody sees a card."""
    session, empty = studio.session, await studio.universe(scenes=1)

    async def refused(project: str, wish: pb.CreateExportRequest) -> str:
        with pytest.raises(errors.BullpenError) as refusal:
            await propose(session, project, EXPORT, wish, objective=str(wish))
        return refusal.value.reason

    assert await refused(empty, pb.CreateExportRequest(spec=pb.ExportSpec(format=PAGES))) == "STATE_CONFLICT"
    await studio.run(empty, candidates=1)
    assert await refused(empty, pb.CreateExportRequest(spec=pb.ExportSpec())) == "FIELD_INVALID"
    looked = pb.CreateExportRequest(spec=pb.ExportSpec(format=PAGES), validate_only=True)
    assert await refused(empty, looked) == "FIELD_INVALID"
    taken = tmp_path / "taken.pdf"
    taken.write_bytes(b"mine")
    wish = pb.CreateExportRequest(spec=pb.ExportSpec(format=PAGES, destination=str(taken)))
    assert await refused(empty, wish) == "ALREADY_EXISTS"
    wish.spec.overwrite = True
    bundle = await propose(session, empty, EXPORT, pb.CreateExportRequest(spec=pb.ExportSpec(format=BUNDLE)))
    assert "kB of pictures, with the logs" in {fact.label: fact.value for fact in bundle.preview.facts}["size"]
    card = await propose(session, empty, EXPORT, wish, objective="Over it")
    assert {fact.label: fact.value for fact in card.preview.facts}["replaces"] == "the file that lies there"
    assert taken.read_bytes() == b"mine"
