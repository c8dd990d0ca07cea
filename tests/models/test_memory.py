"""Models in memory, as a person sees them: loaded, swapped, pinned, kept, placed in parts, refused with options.

The scripted device has 100 MB here; how large the models are is played, who makes room for whom is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import event_pb2, model_pb2, run_pb2
from bullpen_client import Session, errors
from google.protobuf.duration_pb2 import Duration

from tests.support.daemon import Daemon
from tests.support.scripted_models import MB, write_scripted_model
from tests.support.studio import Studio, spec

READY = model_pb2.Resident.STATE_READY
SIZES: dict[str, dict[str, Any]] = {
    "one": {"size_bytes": 60 * MB},
    "two": {"size_bytes": 60 * MB},
    "small": {"size_bytes": 20 * MB, "work_bytes": 50 * MB},
    "greedy": {"size_bytes": 30 * MB, "work_bytes": 90 * MB},
    "large": {"size_bytes": 200 * MB, "parts_bytes": 50 * MB, "pieces_bytes": 10 * MB},
    "huge": {"size_bytes": 500 * MB},
    "broken": {"fail": "MODEL_CORRUPT"},
}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose device has little memory, and models of all sizes."""
    home = tmp_path_factory.mktemp("d") / "home"
    for name, script in SIZES.items():
        write_scripted_model(home / "models" / name, **script)
    with Daemon(home, {"devices.memory_limit_mb": "100"}) as running:
        yield running


@pytest.fixture(autouse=True)
async def emptied(studio: Studio, session: Session) -> None:
    """Each test begins with nothing in memory and nothing pinned."""
    answer = await session.models.ListResidents(model_pb2.ListResidentsRequest())
    for resident in answer.residents:
        await session.models.UnpinModel(model_pb2.UnpinModelRequest(name=resident.model))
    await session.models.UnloadModel(model_pb2.UnloadModelRequest(all=True))
    for resident in answer.residents:
        await told(studio, answer.revision, "model.unloaded", resident.model.removeprefix("models/"))


async def load(session: Session, name: str, **fields: Any) -> model_pb2.LoadModelResponse:
    """Loads a model by its short name."""
    return await session.models.LoadModel(model_pb2.LoadModelRequest(name=f"models/{name}", **fields))


async def residents(session: Session) -> dict[str, model_pb2.Resident]:
    """What is in memory, by short name."""
    answer = await session.models.ListResidents(model_pb2.ListResidentsRequest())
    return {resident.model.removeprefix("models/"): resident for resident in answer.residents}


async def told(studio: Studio, after: int, kind: str, model: str) -> event_pb2.Event:
    """The first event of a kind about a model."""
    request = event_pb2.WatchRequest(after_revision=after)
    async for item in studio.session.events.Watch(request):
        if item.HasField("event") and (item.event.kind, item.event.subject) == (kind, f"models/{model}"):
            return item.event
    raise AssertionError("the watch ended")


async def revision(session: Session) -> int:
    """The journal's newest revision."""
    return (await session.models.ListResidents(model_pb2.ListResidentsRequest())).revision


async def test_a_model_is_loaded_and_shown(session: Session) -> None:
    """It says where it is, how large, whole, until when and why; loaded again, it is there already."""
    answer = await load(session, "one")
    shown = (await residents(session))["one"]
    assert (shown.model, shown.device) == (answer.resident.model, "devices/scripted")
    assert (shown.state, shown.size_bytes, shown.placement) == (READY, 60 * MB, "whole")
    assert shown.expires.ToMicroseconds() - shown.since.ToMicroseconds() == pytest.approx(300e6, abs=1e6)
    assert shown.keep_alive.seconds == 300
    assert shown.reason
    assert (await load(session, "one")).load_time.ToMicroseconds() == 0


async def test_a_model_that_does_not_fit_beside_another_takes_its_place(studio: Studio, session: Session) -> None:
    """The longest unused makes room, and events tell that one went, why, and that the other came."""
    await load(session, "one")
    before = await revision(session)
    await load(session, "two")
    assert set(await residents(session)) == {"two"}
    gone = await told(studio, before, "model.unloaded", "one")
    assert "made room for models/two" in gone.notice.message
    assert gone.notice.details["reason"] == "made room for models/two"
    came = await told(studio, before, "model.loaded", "two")
    assert came.revision > gone.revision > (await told(studio, before, "model.loading", "two")).revision
    assert came.notice.details["placement"] == "whole"


async def test_a_model_larger_than_the_device_works_in_parts(session: Session) -> None:
    """Its size is what it takes on the device, and how it is placed is shown."""
    shown = (await load(session, "large")).resident
    assert (shown.placement, shown.size_bytes) == ("parts", 50 * MB)
    assert (await residents(session))["large"].placement == "parts"


async def test_a_model_that_fits_in_no_way_is_refused_with_options(session: Session) -> None:
    """The words name both sizes; the remedy names the smaller models of this host."""
    with pytest.raises(errors.DeviceOutOfMemory) as refused:
        await load(session, "huge")
    assert "500 MB" in str(refused.value)
    assert "100 MB" in str(refused.value)
    assert await residents(session) == {}


async def test_what_is_pinned_stays_and_others_are_refused(session: Session) -> None:
    """It does not make room, is not unloaded by name, stays with --all; the refusal says whose pin is in the way."""
    pinned = await session.models.PinModel(model_pb2.PinModelRequest(name="models/one"))
    assert pinned.pinned
    shown = (await load(session, "one")).resident
    assert shown.pinned
    assert not shown.HasField("expires")
    with pytest.raises(errors.DeviceOutOfMemory, match=r".") as refused:
        await load(session, "two")
    assert "models/one" in refused.value.remedy
    with pytest.raises(errors.StateConflict, match="pinned"):
        await session.models.UnloadModel(model_pb2.UnloadModelRequest(name="models/one"))
    await load(session, "small")
    answer = await session.models.UnloadModel(model_pb2.UnloadModelRequest(all=True))
    assert list(answer.devices) == ["devices/scripted"]
    assert [kept.model for kept in answer.kept] == ["models/one"]
    await session.models.UnpinModel(model_pb2.UnpinModelRequest(name="models/one"))
    await load(session, "two")
    assert set(await residents(session)) == {"two"}


async def test_a_keep_alive_of_nothing_lets_a_model_go_at_once(studio: Studio, session: Session) -> None:
    """Asked for with the load, and set for the model."""
    before = await revision(session)
    await load(session, "one", keep_alive=Duration())
    await told(studio, before, "model.unloaded", "one")
    request = model_pb2.SetModelKeepAliveRequest(name="models/one", keep_alive=Duration())
    assert (await session.models.SetModelKeepAlive(request)).HasField("keep_alive")
    before = await revision(session)
    await load(session, "one")
    await told(studio, before, "model.unloaded", "one")
    await session.models.SetModelKeepAlive(model_pb2.SetModelKeepAliveRequest(name="models/one"))


async def test_the_last_keep_alive_counts(session: Session) -> None:
    """A request's own goes before the model's, that before the setting's."""
    request = model_pb2.SetModelKeepAliveRequest(name="models/one", keep_alive=Duration(seconds=900))
    await session.models.SetModelKeepAlive(request)
    assert (await load(session, "one")).resident.keep_alive.seconds == 900
    assert (await load(session, "one", keep_alive=Duration(seconds=60))).resident.keep_alive.seconds == 60
    assert (await load(session, "one")).resident.keep_alive.seconds == 900
    await session.models.SetModelKeepAlive(model_pb2.SetModelKeepAliveRequest(name="models/one"))
    assert (await residents(session))["one"].keep_alive.seconds == 300


@pytest.mark.parametrize(
    ("fields", "error", "field"),
    [
        ({"name": "models/one", "keep_alive": Duration(seconds=-5)}, errors.FieldInvalid, "keep_alive"),
        ({"name": "models/one", "keep_alive": Duration(nanos=-1)}, errors.FieldInvalid, "keep_alive"),
        ({"name": "models/one", "keep_alive": Duration(seconds=10**11)}, errors.FieldInvalid, "keep_alive"),
        ({"name": "models/one", "device": "devices/cuda-7"}, errors.DeviceUnavailable, "device"),
        ({"name": "models/one", "device": "../../etc"}, errors.DeviceUnavailable, "device"),
        ({"name": "models/nothing"}, errors.ModelNotFound, "model"),
        ({"name": ""}, errors.ModelNotFound, "model"),
    ],
)
async def test_a_bad_load_is_refused_by_its_field(
    session: Session, fields: dict[str, Any], error: type[errors.BullpenError], field: str
) -> None:
    """A typed error that names the field and what to do; nothing is loaded."""
    with pytest.raises(error) as refused:
        await session.models.LoadModel(model_pb2.LoadModelRequest(**fields))
    assert refused.value.field == field
    assert refused.value.remedy
    assert await residents(session) == {}


async def test_what_acts_beside_a_model_is_not_loaded_by_itself(session: Session) -> None:
    """A LoRA, a cutout, a provider's model: it is said that nothing needs to be done, also where a device is named."""
    for name in ("starter-lora-mara", "starter-cutout", "openai:gpt-image-1"):
        for device in ("", "devices/scripted"):
            with pytest.raises(errors.ModelUnsupported, match="by itself") as refused:
                await load(session, name, device=device)
            assert "Nothing needs to be done" in refused.value.remedy
        with pytest.raises(errors.ModelUnsupported):
            await session.models.PinModel(model_pb2.PinModelRequest(name=f"models/{name}"))


async def test_the_nearest_name_is_near(session: Session) -> None:
    """What all names begin with makes no two of them alike."""
    with pytest.raises(errors.ModelNotFound, match="nearest name is models/small"):
        await load(session, "smal")
    with pytest.raises(errors.ModelNotFound) as refused:
        await load(session, "zyx")
    assert "nearest" not in str(refused.value)


async def test_an_unloaded_model_is_gone_when_the_answer_comes(session: Session) -> None:
    """By name and with all; asked for twice at once, both answers come when it is gone."""
    await load(session, "one")
    request = model_pb2.UnloadModelRequest(name="models/one")
    answers = await asyncio.gather(session.models.UnloadModel(request), session.models.UnloadModel(request))
    assert {device for answer in answers for device in answer.devices} == {"devices/scripted"}
    assert not any(answer.leaving for answer in answers)
    assert await residents(session) == {}
    await load(session, "one")
    await load(session, "small")
    assert len((await session.models.UnloadModel(model_pb2.UnloadModelRequest(all=True))).devices) == 2
    assert await residents(session) == {}


async def test_a_bad_unload_is_refused(session: Session) -> None:
    """Either a name or all, and a device that exists."""
    for request in (model_pb2.UnloadModelRequest(), model_pb2.UnloadModelRequest(name="models/one", all=True)):
        with pytest.raises(errors.ExactlyOneOf):
            await session.models.UnloadModel(request)
    with pytest.raises(errors.DeviceUnavailable):
        await session.models.UnloadModel(model_pb2.UnloadModelRequest(all=True, device="devices/tpu"))


async def test_a_model_that_cannot_be_loaded_says_why(studio: Studio, session: Session) -> None:
    """The worker's reason comes back to whoever asked, and into the journal."""
    before = await revision(session)
    with pytest.raises(errors.ModelCorrupt):
        await load(session, "broken")
    assert "broken" in (await told(studio, before, "model.failed", "broken")).notice.message


async def run_with(studio: Studio, model: str) -> run_pb2.Run:
    """A run of one picture with a model, when it ended."""
    project = await studio.universe(1)
    wanted = spec("steps=2")
    wanted.model = f"models/{model}"
    return await studio.ended(await studio.create(project, wanted))


async def test_work_that_needs_room_gets_it(studio: Studio, session: Session) -> None:
    """A job's neighbours leave where its work would not fit beside them; what it took is shown from then on."""
    await load(session, "one")
    run = await run_with(studio, "small")
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    there = await residents(session)
    assert set(there) == {"small"}
    assert there["small"].working_bytes == 50 * MB


async def test_a_job_that_fits_in_no_way_fails_with_options(studio: Studio, session: Session) -> None:
    """It is tried once more with nothing beside it; then the error names what this host can do instead."""
    run = await run_with(studio, "greedy")
    assert run.state == run_pb2.Run.STATE_FAILED
    (job,) = await studio.jobs(run)
    assert job.error.reason == "DEVICE_OUT_OF_MEMORY"
    assert job.attempt == 2
    assert "ran out of memory" in job.error.message
    assert "smaller" in job.error.remedy


async def test_pins_and_keep_alives_outlive_the_daemon(tmp_path: Path) -> None:
    """After a restart the pinned model comes with the first worker, and the model's keep-alive holds."""
    home = tmp_path / "home"
    for name in ("one", "small"):
        write_scripted_model(home / "models" / name, **SIZES[name])
    served = Daemon(home, {"devices.memory_limit_mb": "100"})
    with served:
        async with Session(home) as session:
            await session.models.PinModel(model_pb2.PinModelRequest(name="models/one"))
            request = model_pb2.SetModelKeepAliveRequest(name="models/small", keep_alive=Duration(seconds=77))
            await session.models.SetModelKeepAlive(request)
    with served:
        async with Session(home) as session:
            before = await revision(session)
            assert (await load(session, "small")).resident.keep_alive.seconds == 77
            await told(Studio(session, tmp_path), before, "model.loaded", "one")
            assert (await residents(session))["one"].pinned


async def test_a_run_says_how_long_its_model_stays(studio: Studio, session: Session) -> None:
    """With 0 it goes with the run's last job; less than nothing is refused before anything is written."""
    project = await studio.universe(2)
    wanted = spec("steps=1")
    wanted.model = "models/one"
    request = run_pb2.CreateRunRequest(parent=project, spec=wanted, keep_alive=Duration(seconds=-5))
    with pytest.raises(errors.FieldInvalid) as refused:
        await session.runs.CreateRun(request)
    assert refused.value.field == "keep_alive"
    before = await revision(session)
    request.keep_alive.CopyFrom(Duration())
    run = await session.runs.CreateRun(request)
    gone = await told(studio, before, "model.unloaded", "one")
    assert (await studio.ended(run)).state == run_pb2.Run.STATE_SUCCEEDED
    assert gone.notice.details["device"] == "devices/scripted"
    request.keep_alive.CopyFrom(Duration(seconds=40))
    assert (await studio.ended(await session.runs.CreateRun(request))).state == run_pb2.Run.STATE_SUCCEEDED
    assert (await residents(session))["one"].keep_alive.seconds == 40
