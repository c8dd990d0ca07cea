"""One HTTP exchange with a provider: what was sent, what came back, and whether anything can have been charged.

There are three ends. A reply, of any status, complete and within bounds. `NotSent`: no byte of the request left this
machine. `Lost`: some of it did, and no complete reply came back: nobody here knows what became of it.

A connection serves one exchange and is not kept: on one that was kept, a server that hangs up and a request that was
taken look the same. Proxies of the environment are not used, redirects are not followed, and nothing is decompressed:
a picture is compressed already, and a small answer cannot become a large one here.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import structlog

from bullpend.errors import AddressNotAllowed
from bullpend.remote import addresses

if TYPE_CHECKING:
    import httpcore2

log = structlog.get_logger("remote")

Part = tuple[str, tuple[str, bytes, str]]
# Addresses of one name that are tried.
_TRIES = 3


class NotSent(Exception):
    """No byte of the request left this machine; the text says why, and `again` whether it may be tried again."""

    def __init__(self, why: str, *, again: bool = True) -> None:
        super().__init__(why)
        self.again = again


class Lost(Exception):
    """The request was sent, at least in part, and its outcome is not known; the text says what happened."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes of one exchange. `answer_seconds` is the longest silence, `whole_seconds` all of it."""

    connect_seconds: float = 10.0
    answer_seconds: float = 240.0
    whole_seconds: float = 300.0
    most_bytes: int = 96 * 1024 * 1024
    allow_private: bool = False


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is sent: address, headers, and either form fields with files or JSON. No header here is a secret."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Part, ...] = ()
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """Its content type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def exchange(outgoing: Outgoing, secret_headers: Mapping[str, str], limits: Limits) -> Reply:
    """Sends one request and reads its answer. Raises NotSent, Lost, or AddressNotAllowed (nothing was sent either)."""
    import httpcore2
    import httpx2

    addresses.check(outgoing.url, limits.allow_private)
    try:
        built = httpx2.Request(
            outgoing.method,
            outgoing.url,
            data=dict(outgoing.fields) if outgoing.json is None and outgoing.fields else None,
            files=list(outgoing.files) or None,
            json=outgoing.json,
            headers={**outgoing.headers, **secret_headers, "accept-encoding": "identity", "connection": "close"},
        )
    except (ValueError, TypeError, httpx2.InvalidURL):
        # Not repeated: what is wrong may be the key.
        raise NotSent("the request cannot be written; does the key hold odd signs?", again=False) from None
    begun = _Begun()
    timeouts = {
        "connect": limits.connect_seconds,
        "pool": limits.connect_seconds,
        "write": limits.answer_seconds,
        "read": limits.answer_seconds,
    }
    request = httpcore2.Request(
        method=outgoing.method,
        url=httpcore2.URL(
            scheme=built.url.raw_scheme, host=built.url.raw_host, port=built.url.port, target=built.url.raw_path
        ),
        headers=built.headers.raw,
        content=built.stream,
        extensions={"timeout": timeouts, "trace": begun.trace},
    )
    try:
        async with (
            asyncio.timeout(limits.whole_seconds),
            httpcore2.AsyncConnectionPool(
                ssl_context=_certificates(),
                max_keepalive_connections=0,
                network_backend=_backend(limits.allow_private),
            ) as pool,
        ):
            answer = await pool.handle_async_request(request)
            try:
                headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in answer.headers}
                return Reply(answer.status, headers, await _body(answer, headers, limits.most_bytes))
            finally:
                await answer.aclose()
    except AddressNotAllowed:
        raise
    except Lost:
        raise
    except (TimeoutError, httpcore2.TimeoutException) as error:
        raise begun.failed("no answer came in time") from error
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as error:
        raise begun.failed(_words(error)) from error
    except Exception as error:
        # Whatever it is, it must not leave open whether something was sent.
        log.error("exchange.fault", exc_info=error)
        raise begun.failed(f"a fault of Bullpen ({type(error).__name__})") from error


async def _body(answer: httpcore2.Response, headers: Mapping[str, str], most: int) -> bytes:
    """The body, as far as the status lets it matter. An answer that is not a success is known whatever its body is."""
    import httpcore2

    success = 200 <= answer.status < 300
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        if not success:
            return b""
        raise Lost(f"the answer is compressed ({encoding[:20]}), which was not asked for, and was not unpacked")
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in answer.aiter_stream():
            size += len(chunk)
            if size > most:
                if not success:
                    break
                raise Lost(f"the answer is larger than {most >> 20} MiB and was not read to its end")
            chunks.append(chunk)
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        if not success:
            return b"".join(chunks)
        raise Lost(f"the answer broke off after {size} bytes: {_words(error)}") from error
    return b"".join(chunks)


class _Begun:
    """Hears from the connection whether anything of the request was sent."""

    def __init__(self) -> None:
        self.sending = False

    async def trace(self, name: str, info: Mapping[str, Any]) -> None:
        """Called for each step of the connection."""
        self.sending = self.sending or name.endswith("send_request_headers.started")

    def failed(self, why: str) -> Exception:
        """The error that fits what was sent."""
        return Lost(why) if self.sending else NotSent(why)


def _backend(allow_private: bool) -> Any:
    """Connections to addresses that were looked at."""
    import httpcore2

    class Pinned(httpcore2.AnyIOBackend):
        async def connect_tcp(
            self,
            host: str,
            port: int,
            timeout: float | None = None,  # noqa: ASYNC109 - the library's own signature
            local_address: str | None = None,
            socket_options: Iterable[Any] | None = None,
        ) -> httpcore2.AsyncNetworkStream:
            places = await resolve(host, port)
            for place in places:
                if not addresses.allowed(place, allow_private):
                    raise addresses.refused(host if host == place else f"{host} ({place})")
            problem: Exception = httpcore2.ConnectError(f"{host} has no address")
            for place in places[:_TRIES]:
                try:
                    return await super().connect_tcp(place, port, timeout, local_address, socket_options)
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                    problem = error
            raise problem

    return Pinned()


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, in the order of the system, each once. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates of the system; reading them takes longer than a call should hold up the loop twice."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


def _words(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
