"""The exception family: one class per reason, restored from what the daemon sends."""

import grpc
import pytest
from bullpen_api.v1 import error_pb2, event_pb2, project_pb2
from bullpen_client import BullpenError, Session, errors

from tests.support.fake_daemon import STALLED, FakeDaemon, Refusal

REASONS = [name.removeprefix("ERROR_REASON_") for name, number in error_pb2.ErrorReason.items() if number]


def test_every_reason_of_the_contract_has_one_class() -> None:
    """The table holds the reasons of the contract and those of the client, and nothing else."""
    assert set(errors.BY_REASON) == {*REASONS, *errors.CLIENT_REASONS}
    assert len(set(errors.BY_REASON.values())) == len(errors.BY_REASON)


@pytest.mark.parametrize("reason", REASONS)
async def test_a_refusal_comes_back_as_its_class(session: Session, daemon: FakeDaemon, reason: str) -> None:
    """Reason, kind, message, field and remedy arrive as they were given."""
    daemon.refuse["ListProjects"] = Refusal(
        reason, grpc.StatusCode.FAILED_PRECONDITION, "It does not go.", "parent", "Do the other thing."
    )
    with pytest.raises(errors.BY_REASON[reason]) as caught:
        await session.projects.ListProjects(project_pb2.ListProjectsRequest())
    assert caught.value.as_dict() == {
        "reason": reason,
        "kind": "FAILED_PRECONDITION",
        "message": "It does not go.",
        "field": "parent",
        "remedy": "Do the other thing.",
        "metadata": {},
    }


async def test_a_reason_of_a_newer_daemon_stays_readable(session: Session, daemon: FakeDaemon) -> None:
    """An unknown reason gives the base class with that reason."""
    daemon.refuse["ListProjects"] = Refusal("MOON_IN_WRONG_PHASE", message="Wait.")
    with pytest.raises(BullpenError) as caught:
        await session.projects.ListProjects(project_pb2.ListProjectsRequest())
    assert type(caught.value) is BullpenError
    assert (caught.value.reason, caught.value.message) == ("MOON_IN_WRONG_PHASE", "Wait.")


async def test_a_daemon_that_is_gone_is_a_typed_error(session: Session, daemon: FakeDaemon) -> None:
    """A broken connection is DAEMON_UNAVAILABLE with a remedy, in words for a person; gRPC's own are beside them."""
    await daemon.stop()
    with pytest.raises(errors.DaemonUnavailable) as caught:
        await session.projects.ListProjects(project_pb2.ListProjectsRequest())
    assert caught.value.remedy
    assert str(caught.value) == "The daemon does not answer."
    assert caught.value.metadata["detail"]


async def test_a_deadline_is_a_typed_error(session: Session, daemon: FakeDaemon) -> None:
    """No answer in time is DEADLINE_EXCEEDED."""
    daemon.refuse["ListProjects"] = STALLED
    with pytest.raises(errors.DeadlineExceeded):
        await session.projects.ListProjects(project_pb2.ListProjectsRequest(), timeout=0.05)


async def test_a_stream_is_refused_in_the_same_words(session: Session, daemon: FakeDaemon) -> None:
    """Errors of streams are typed as those of single answers."""
    daemon.refuse["Watch"] = Refusal("PROJECT_NOT_FOUND", grpc.StatusCode.NOT_FOUND, "No such project.")
    call = session.events.Watch(event_pb2.WatchRequest(parent="projects/x"))
    with pytest.raises(errors.ProjectNotFound):
        await anext(aiter(call))
