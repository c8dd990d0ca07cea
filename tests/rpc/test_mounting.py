"""A servicer is served under the name that the contract gives it."""

import grpc
import pytest
from bullpen_api.v1 import queue_pb2_grpc, run_pb2_grpc
from bullpend.rpc.mounting import mount


class Runs(run_pb2_grpc.RunServiceServicer):
    """A service of the contract."""


class LateRuns(Runs):
    """One that is derived from another."""


class Queue(queue_pb2_grpc.QueueServiceServicer):
    """Another service."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [(Runs, "bullpen.v1.RunService"), (LateRuns, "bullpen.v1.RunService"), (Queue, "bullpen.v1.QueueService")],
)
async def test_the_name_comes_from_the_generated_class(kind: type, name: str) -> None:
    """Whatever a servicer is called, it is mounted as the service whose generated class it derives from."""
    servicer = kind()
    add, mounted, found = mount(servicer)
    assert (mounted, found) == (servicer, name)
    add(servicer, grpc.aio.server())


def test_what_serves_nothing_is_named() -> None:
    """An object that is no servicer is a mistake of the caller, and says which."""
    with pytest.raises(TypeError, match="dict serves nothing"):
        mount({})
