"""The one interceptor: checks the token, and turns every exception into a typed status.

What is not a BullpenError is a fault of ours: the client gets INTERNAL with an incident number, and the log has the
traceback under the same number. No traceback ever leaves the daemon.

A call with one request and one answer is carried to its end even when its client leaves: else a client that leaves
between a commit and what follows from it would leave half of it undone, such as a run that is durable and that no
scheduler knows.

It also says on whose behalf a call writes, so that the audit knows, and has a call put down that changed something
without an event.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NoReturn, Protocol

import grpc
import structlog
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from bullpend.audit import calls
from bullpend.clock import new_id
from bullpend.errors import BullpenError, FieldInvalid, Internal, ShuttingDown, TokenInvalid

log = structlog.get_logger("rpc")

DOMAIN = "bullpen"
OPEN = ("/grpc.health.v1.Health/", "/grpc.reflection.v1.", "/grpc.reflection.v1alpha.")
DETAILS = "grpc-status-details-bin"
MOST_CHARACTERS = 600


def to_status(error: BullpenError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Code, message and trailing metadata of an error, with one google.rpc.ErrorInfo in the details."""
    code = grpc.StatusCode[error.kind]
    metadata = {key: _clip(value) for key, value in error.metadata.items()}
    if error.field:
        metadata["field"] = _clip(error.field)  # it may end in a key that the client made up
    if error.remedy:
        metadata["remedy"] = _clip(error.remedy)
    message = _clip(error.message)
    info = any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    status = status_pb2.Status(code=code.value[0], message=message, details=[info])
    return code, message, ((DETAILS, status.SerializeToString()),)


def _clip(text: str) -> str:
    """Trailing metadata has a limit of some kilobytes; beyond it the whole error would be lost."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"


class Notes(Protocol):
    """Puts down what a call did that has ended well."""

    async def ended(self, call: calls.Call, request: Any) -> None:
        """After the call; raises nothing."""
        ...


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Authentication and errors for every method."""

    def __init__(self, token: str, notes: Notes | None = None) -> None:
        self._token = token.encode()
        self._notes = notes
        self._actor = calls.local_user()
        self._begun: set[asyncio.Task[Any]] = set()
        self.closing = False

    async def intercept_service(  # type: ignore[override]  # the stubs forget that a method may be unknown
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps the method's handler; unknown methods stay UNIMPLEMENTED."""
        handler = await continuation(details)
        if handler is None or details.method.startswith(OPEN):
            return handler
        metadata = dict(details.invocation_metadata or ())
        client = metadata.get("bullpen-client") or metadata.get("user-agent", "")
        call = partial(calls.entered, details.method.removeprefix("/"), self._actor, str(client))
        return self._wrap(handler, details.method, metadata.get("authorization", ""), call)

    def _check(self, authorization: str | bytes) -> None:
        given = authorization if isinstance(authorization, bytes) else authorization.encode()
        if not hmac.compare_digest(given, b"Bearer " + self._token):
            raise TokenInvalid("The call has no valid token." if given else "The call has no token.")
        if self.closing:
            raise ShuttingDown("The daemon is shutting down.")

    async def _to_the_end(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        self._begun.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled():
            task.exception()  # mapped for the client; where it left, nobody is there to be told

    async def _note(self, call: calls.Call, request: Any) -> None:
        if self._notes is not None:
            await self._notes.ended(call, request)

    def _wrap(
        self,
        handler: Any,
        method: str,
        authorization: str | bytes,
        entered: Callable[[], AbstractContextManager[calls.Call]],
    ) -> grpc.RpcMethodHandler[Any, Any]:
        guard = self
        one = partial(_read, handler.request_deserializer)

        def read(request: Any) -> Any:
            return (one(part) async for part in request) if handler.request_streaming else one(request)

        async def put_down(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            with entered() as call:
                answer = await inner(request, context)
                await guard._note(call, request)
                return answer

        async def unary(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                guard._check(authorization)
                if handler.request_streaming or handler.response_streaming:
                    return await put_down(read(request), context)
                began = time.monotonic()
                answer = await guard._to_the_end(put_down(read(request), context))
                log.debug("rpc.done", method=method, seconds=round(time.monotonic() - began, 4))
                return answer
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 -- the one place that maps errors outward
                await _abort(context, error, method)

        async def stream(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            try:
                guard._check(authorization)
                given = read(request)
                with entered() as call:
                    async for item in inner(given, context):
                        yield item
                    await guard._note(call, given)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 -- the one place that maps errors outward
                await _abort(context, error, method)

        kind = ("stream" if handler.request_streaming else "unary") + (
            "_stream" if handler.response_streaming else "_unary"
        )
        inner = getattr(handler, kind)
        make = getattr(grpc, f"{kind}_rpc_method_handler")
        wrapped: grpc.RpcMethodHandler[Any, Any] = make(
            stream if inspect.isasyncgenfunction(inner) else unary,
            request_deserializer=None,  # read here, after the token, so that garbage is refused in our words
            response_serializer=handler.response_serializer,
        )
        return wrapped


def _read(deserialize: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return deserialize(data)
    except DecodeError as error:
        raise FieldInvalid(
            "The request's bytes are no message of this method.",
            field="request",
            remedy="Encode the request with the method's own message type.",
        ) from error


async def _abort(context: grpc.aio.ServicerContext[Any, Any], error: Exception, method: str) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if not isinstance(error, BullpenError):
        incident = new_id(4)
        log.error("rpc.fault", method=method, incident=incident, exc_info=error)
        error = Internal("The daemon met a fault of its own.", incident=incident)
    else:
        log.info(
            "rpc.refused",
            method=method,
            reason=error.reason,
            message=error.message[:MOST_CHARACTERS],
            field=error.field,
        )
    code, message, trailing = to_status(error)
    await context.abort(code, message, trailing)
    raise AssertionError("abort always raises")
