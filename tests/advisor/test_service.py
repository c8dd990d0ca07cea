"""M8: devices are compared, work goes to another one with consent, and devices are switched while the daemon runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import advisor_pb2, model_pb2, queue_pb2, run_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held, spec

pytestmark = pytest.mark.e2e

FIRST, SECOND = "devices/scripted", "devices/scripted-2"
ALL, BOUND, NONE = model_pb2.Device.USE_ALL, model_pb2.Device.USE_BOUND, model_pb2.Device.USE_NONE


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with two devices."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"devices.use": "scripted,scripted:2"}) as running:
        yield running


@pytest.fixture(autouse=True)
async def _second_on_request(session: Session) -> AsyncIterator[None]:
    await switch(session, FIRST, ALL)
    await switch(session, SECOND, BOUND)
    yield
    await session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())


async def switch(
    session: Session, name: str, use: model_pb2.Device.Use.ValueType, now: bool = False, force: bool = False
) -> model_pb2.Device:
    request = model_pb2.SwitchDeviceRequest(name=name, use=use, now=now, force=force)
    return await session.devices.SwitchDevice(request)


async def place(session: Session, run: run_pb2.Run, device: str, agreed: bool = False) -> run_pb2.Run:
    request = advisor_pb2.PlaceRunRequest(name=run.name, device=device, confirm_offload=agreed)
    return await session.advisor.PlaceRun(request)


async def devices_of(studio: Studio, run: run_pb2.Run) -> set[str]:
    """Where the run's jobs were done."""
    return {job.device for job in await studio.jobs(run)}


async def test_a_plan_is_compared_over_all_devices(studio: Studio, session: Session) -> None:
    """The device in general use is recommended; the other one is there with its consent and no invented time."""
    project = await studio.universe(2)
    await studio.ended(await studio.start(project, "step_ms=2"))
    request = advisor_pb2.AdviseRunRequest(parent=project, spec=spec("step_ms=2", candidates=2))
    advice = await session.advisor.AdviseRun(request)
    first, second = advice.options[:2]
    assert (advice.recommended, advice.pictures, advice.model) == (FIRST, 4, "models/scripted")
    assert (first.device, first.use, first.needs_consent, first.problem) == (FIRST, ALL, False, "")
    assert (second.device, second.use, second.needs_consent, second.problem) == (SECOND, BOUND, True, "")
    assert first.total.ToSeconds() >= 0
    assert first.basis == run_pb2.Plan.ESTIMATE_BASIS_MEASURED
    assert not second.HasField("total")
    assert first.memory_needed_bytes > 0
    assert [option.kind for option in advice.options[2:]] == ["remote"] * (len(advice.options) - 2)


async def test_a_run_is_compared_and_moved_while_it_runs(studio: Studio, session: Session) -> None:
    """The job that runs stops within a step and goes on at the other device; nothing is asked of what is in use."""
    project = await studio.universe(3)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate))
    await studio.progress(run, lambda progress: progress.step > 1)
    advice = await session.advisor.AdviseRun(advisor_pb2.AdviseRunRequest(run=run.name))
    assert (advice.pictures, advice.bound_to) == (3, "")
    with pytest.raises(errors.OffloadNotConfirmed):
        await place(session, run, SECOND)
    await place(session, run, "scripted-2", agreed=True)
    assert (await session.advisor.AdviseRun(advisor_pb2.AdviseRunRequest(run=run.name))).bound_to == SECOND
    await studio.event(run.name, run.revision, "run.placed")
    gate.touch()
    ended = await studio.ended(run)
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    assert await devices_of(studio, run) == {SECOND}
    with pytest.raises(errors.StateConflict):
        await place(session, run, "")


async def test_a_run_is_made_for_one_device(studio: Studio, session: Session, daemon: Daemon) -> None:
    """With consent only where the device is not in general use; it waits for it also over a restart."""
    project = await studio.universe(1)
    request = run_pb2.CreateRunRequest(parent=project, spec=spec(), device=SECOND)
    with pytest.raises(errors.OffloadNotConfirmed) as refused:
        await session.runs.CreateRun(request)
    assert refused.value.metadata["device"] == SECOND
    request.confirm_offload = True
    run = await session.runs.CreateRun(request)
    await studio.ended(run)
    assert await devices_of(studio, run) == {SECOND}
    await switch(session, SECOND, ALL)
    plain = await session.runs.CreateRun(run_pb2.CreateRunRequest(parent=project, spec=spec(seed=9), device=SECOND))
    assert (await studio.ended(plain)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_a_device_is_switched_off_while_it_works(studio: Studio, session: Session) -> None:
    """With `now` its job goes to the other device; its worker leaves; nothing is lost and no death is counted."""
    await switch(session, SECOND, ALL)
    project = await studio.universe(1)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate))
    at = (await studio.progress(run, lambda progress: progress.step > 1)).device
    other = SECOND if at == FIRST else FIRST
    device = await switch(session, at, NONE, now=True)
    assert device.use == NONE
    gate.touch()
    ended = await studio.ended(run)
    [job] = await studio.jobs(run)
    assert (ended.state, job.device, job.attempt) == (run_pb2.Run.STATE_SUCCEEDED, other, 2)
    listed = {d.name: d for d in (await session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices}
    assert (listed[at].use, listed[at].worker_pid) == (NONE, 0)
    again = studio.folder / "again"
    waiting = await studio.start(project, held(again), seed=11)
    with pytest.raises(errors.DeviceUnavailable, match="switched off"):
        await place(session, waiting, at)
    again.touch()
    with pytest.raises(errors.StateConflict, match="last device in general use"):
        await switch(session, other, NONE)


async def test_what_does_not_exist_is_refused_by_name(studio: Studio, session: Session) -> None:
    """A device, a use or a run that is not there, and a question about nothing or about two things."""
    project = await studio.universe(1)
    for call in (
        switch(session, "devices/tpu-7", ALL),
        session.runs.CreateRun(run_pb2.CreateRunRequest(parent=project, spec=spec(), device="tpu-7")),
    ):
        with pytest.raises(errors.DeviceUnavailable) as refused:
            await call
        assert "there is: devices/scripted" in refused.value.message
    with pytest.raises(errors.FieldInvalid):
        await session.devices.SwitchDevice(model_pb2.SwitchDeviceRequest(name=FIRST, use=99))  # type: ignore[arg-type]  # unknown on purpose
    for request in (
        advisor_pb2.AdviseRunRequest(),
        advisor_pb2.AdviseRunRequest(parent=project, spec=spec(), run=f"{project}/runs/r-1"),
    ):
        with pytest.raises(errors.ExactlyOneOf):
            await session.advisor.AdviseRun(request)
    with pytest.raises(errors.ResourceNotFound):
        await session.advisor.AdviseRun(advisor_pb2.AdviseRunRequest(run=f"{project}/runs/r-1"))


async def test_switches_and_places_last_over_restarts(tmp_path: Path) -> None:
    """What was decided holds at the next start; unspecified goes back to the settings."""
    daemon = Daemon(tmp_path / "home", {"devices.use": "scripted,scripted:2"})
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            await session.queue.PauseQueue(queue_pb2.PauseQueueRequest())
            run = await studio.start(project)
            await place(session, run, SECOND)
            await switch(session, FIRST, BOUND)
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            listed = (await session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices
            assert {device.name: device.use for device in listed} == {FIRST: BOUND, SECOND: ALL}
            assert (await switch(session, FIRST, model_pb2.Device.USE_UNSPECIFIED)).use == ALL
            await session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())
            assert (await studio.ended(run)).state == run_pb2.Run.STATE_SUCCEEDED
            assert await devices_of(studio, run) == {SECOND}
