"""J04 by instruction: proposed, shown, confirmed, carried out by a real daemon, followed by its events."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, instruction_pb2, quality_pb2, run_pb2
from bullpen_client import Session, errors
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e
pb = instruction_pb2
CREATE = "bullpen.v1.RunService/CreateRun"


def inputs(request: Message) -> Struct:
    """A request as an instruction's inputs."""
    made = Struct()
    made.update(MessageToDict(request))
    return made


async def propose(session: Session, project: str, method: str, request: Message, **more: object) -> pb.Instruction:
    """A draft of a call."""
    said = pb.Instruction(method=method, inputs=inputs(request), **{"confirmation_required": True, **more})  # type: ignore[arg-type]
    return await session.instructions.CreateInstruction(
        pb.CreateInstructionRequest(parent=project, instruction=said, request_id=f"{project} {method} {more}")
    )


async def confirm(session: Session, shown: pb.Instruction) -> pb.Instruction:
    """A person's word for what they saw."""
    return await session.instructions.ConfirmInstruction(
        pb.ConfirmInstructionRequest(name=shown.name, digest=shown.digest)
    )


async def ended(studio: Studio, shown: pb.Instruction) -> pb.Instruction:
    """The instruction as it is when it ended."""
    async for event in studio.events(shown.name, shown.revision):
        if event.subject == shown.name and event.instruction.state >= pb.Instruction.STATE_DONE:
            return event.instruction
    raise AssertionError("the journal ended")


async def test_j04_from_card_to_pictures(studio: Studio, daemon: Daemon) -> None:
    """The card says stage, scenes and candidates; nothing runs before the word; the events tell every step."""
    session, project = studio.session, await studio.universe(scenes=2)
    wish = run_pb2.CreateRunRequest(spec=spec("steps=2", candidates=2))
    shown = await propose(session, project, CREATE, wish)
    facts = {fact.label: fact.value for fact in shown.preview.facts}
    assert shown.preview.summary == "Run style over 2 scenes, 2 candidates each"
    assert (facts["stage"], facts["scenes"], facts["candidates"], facts["seed"]) == ("style", "s1, s2", "2", "7")
    assert len(shown.preview.plan.jobs) == 2
    assert not (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs
    await confirm(session, shown)
    done = await ended(studio, shown)
    assert done.state == pb.Instruction.STATE_DONE
    run = await session.runs.GetRun(run_pb2.GetRunRequest(name=done.run))
    assert (run.state, run.figures.candidates_done) == (run_pb2.Run.STATE_SUCCEEDED, 4)
    assert run.plan_digest == shown.preview.plan.digest
    watched = await check_watch(session, daemon.home, project)
    kinds = [event.kind for event in watched.events if event.subject == shown.name]
    assert kinds == [f"instruction.{kind}" for kind in ("created", "queued", "running", "started", "done")]
    page = await session.instructions.ListInstructions(
        pb.ListInstructionsRequest(parent=project, states=[pb.Instruction.STATE_DONE])
    )
    assert [item.name for item in page.instructions] == [shown.name]
    assert not page.instructions[0].preview.HasField("plan")


async def test_a_moved_target_is_shown_anew(studio: Studio) -> None:
    """A scene that changed between card and confirmation refuses the card; what is shown then can be confirmed."""
    session, project = studio.session, await studio.universe(scenes=1)
    wish = run_pb2.CreateRunRequest(spec=spec("steps=1 {style}"))
    shown = await propose(session, project, CREATE, wish)
    scene = bible_pb2.Scene(name=f"{project}/scenes/s1", variables={"style": "noir"})
    await session.bible.UpdateScene(
        bible_pb2.UpdateSceneRequest(scene=scene, update_mask=FieldMask(paths=["variables"]))
    )
    with pytest.raises(errors.InstructionStale) as stale:
        await confirm(session, shown)
    anew = await session.instructions.GetInstruction(pb.GetInstructionRequest(name=shown.name))
    assert stale.value.metadata["digest"] == anew.digest != shown.digest
    assert (await confirm(session, anew)).state == pb.Instruction.STATE_QUEUED
    with pytest.raises(errors.StateConflict):
        await confirm(session, anew)
    assert (await ended(studio, anew)).state == pb.Instruction.STATE_DONE


async def test_a_card_can_be_edited(studio: Studio) -> None:
    """Other inputs give another card with another digest; the old one is no longer good."""
    session, project = studio.session, await studio.universe(scenes=2)
    shown = await propose(session, project, CREATE, run_pb2.CreateRunRequest(spec=spec("steps=1")))
    changed = pb.Instruction(name=shown.name, inputs=inputs(run_pb2.CreateRunRequest(spec=spec("steps=1", 3))))
    edited = await session.instructions.UpdateInstruction(pb.UpdateInstructionRequest(instruction=changed))
    assert "3 candidates each" in edited.preview.summary
    with pytest.raises(errors.InstructionStale):
        await confirm(session, shown)
    ended_by_hand = await session.instructions.CancelInstruction(pb.CancelInstructionRequest(name=shown.name))
    assert ended_by_hand.state == pb.Instruction.STATE_CANCELED
    again = await session.instructions.RetryInstruction(pb.RetryInstructionRequest(name=shown.name))
    assert (again.state, again.retry_of) == (pb.Instruction.STATE_DRAFT, shown.name)
    assert again.preview.summary == edited.preview.summary


async def test_canceling_a_running_instruction_stops_its_run(studio: Studio) -> None:
    """The run ends within a step, and the instruction with it."""
    session, project = studio.session, await studio.universe(scenes=1)
    wish = run_pb2.CreateRunRequest(spec=spec("steps=2000 step_ms=20"))
    shown = await propose(session, project, CREATE, wish)
    await confirm(session, shown)
    started = await studio.event(shown.name, shown.revision, "instruction.started")
    await session.instructions.CancelInstruction(pb.CancelInstructionRequest(name=shown.name))
    assert (await ended(studio, shown)).state == pb.Instruction.STATE_CANCELED
    run = await session.runs.GetRun(run_pb2.GetRunRequest(name=started.instruction.run))
    assert run.state == run_pb2.Run.STATE_CANCELED


async def test_other_calls_than_runs(studio: Studio) -> None:
    """A quality check, an override by hand and a change of the bible: each shows its target and does what it says."""
    session, project = studio.session, await studio.universe(scenes=1)
    run = await studio.run(project, "steps=1", candidates=2)
    check = quality_pb2.GetQualitySummaryRequest(name=run.name)
    shown = await propose(session, project, "bullpen.v1.QualityService/GetQualitySummary", check)
    await confirm(session, shown)
    assert (await ended(studio, shown)).result.startswith("2 candidates finished")
    loser = next(one for one in await studio.candidates(run) if not one.accepted)
    take = run_pb2.AcceptCandidateRequest(name=loser.name, reason="better light")
    shown = await propose(session, project, "bullpen.v1.RunService/AcceptCandidate", take)
    assert {fact.label for fact in shown.preview.facts} >= {"candidate", "stage", "in place of", "reason"}
    await confirm(session, shown)
    assert (await ended(studio, shown)).state == pb.Instruction.STATE_DONE
    assert next(one for one in await studio.candidates(run) if one.name == loser.name).accepted
    scene = bible_pb2.Scene(name=f"{project}/scenes/s1", title="The pier")
    change = bible_pb2.UpdateSceneRequest(scene=scene, update_mask=FieldMask(paths=["title"]))
    shown = await propose(session, project, "bullpen.v1.BibleService/UpdateScene", change)
    await confirm(session, shown)
    assert (await ended(studio, shown)).state == pb.Instruction.STATE_DONE
    assert (await session.bible.GetScene(bible_pb2.GetSceneRequest(name=scene.name))).title == "The pier"


async def test_without_confirmation_a_client_s_own_call_runs_at_once(studio: Studio) -> None:
    """A client that needs no card gets a queued instruction; the same request id gives the same one."""
    session, project = studio.session, await studio.universe(scenes=1)
    wish = run_pb2.CreateRunRequest(spec=spec("steps=1"))
    first = await propose(session, project, CREATE, wish, confirmation_required=False)
    second = await propose(session, project, CREATE, wish, confirmation_required=False)
    assert first.name == second.name
    assert (await ended(studio, first)).state == pb.Instruction.STATE_DONE


async def test_instructions_survive_a_killed_daemon(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Killed in the middle of an instruction, the next daemon takes it up with the same run, and no attempt is lost."""
    folder = tmp_path_factory.mktemp("k")
    with Daemon(folder / "home") as daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, folder)
            project = await studio.universe(scenes=2)
            wish = run_pb2.CreateRunRequest(spec=spec(held(folder / "go")))
            shown = await propose(session, project, CREATE, wish)
            await confirm(session, shown)
            started = await studio.event(shown.name, shown.revision, "instruction.started")
        daemon.kill()
        (folder / "go").touch()
        daemon.start()
        async with Session(daemon.home) as session:
            done = await ended(Studio(session, folder), started.instruction)
            assert (done.state, done.failures, done.run) == (pb.Instruction.STATE_DONE, 0, started.instruction.run)
            runs = (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs
            assert [run.name for run in runs] == [done.run]
