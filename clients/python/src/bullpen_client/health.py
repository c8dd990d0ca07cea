"""Asking a daemon whether it serves, through the standard gRPC health service. Needs no token."""

from __future__ import annotations

from typing import Any

from bullpen_client.channel import TypedChannel
from bullpen_client.errors import BullpenError
from bullpen_client.home import Endpoint

PROBE_TIMEOUT = 5.0


async def healthy(channel: TypedChannel, timeout: float) -> bool:  # noqa: ASYNC109 - it becomes the call's deadline
    """Whether the daemon behind a channel says SERVING. Raises a `BullpenError` when nobody answers in time."""
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub: Any = health_pb2_grpc.HealthStub(channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def is_serving(endpoint: Endpoint, *, timeout: float = PROBE_TIMEOUT) -> bool:  # noqa: ASYNC109 - as above
    """Whether somebody at an address says SERVING."""
    channel = TypedChannel(endpoint)
    try:
        return await healthy(channel, timeout)
    except BullpenError:
        return False
    finally:
        await channel.close()
