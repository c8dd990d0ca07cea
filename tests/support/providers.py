"""Providers on this machine: servers that speak the documented protocols of OpenAI's images, PhotoRoom and remove.bg.

A server reads a call whole, books what it charges, and answers as it was told to: properly, or in one of the ways in
which a network and a provider fail. It listens on loopback, which a daemon speaks to only where a setting allows it.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import threading
import zlib
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from PIL import Image, ImageDraw

KEY = "local-provider-key-7f3a9c"
USAGE = {
    "input_tokens": 250,
    "input_tokens_details": {"text_tokens": 50, "image_tokens": 200},
    "output_tokens": 1000,
    "total_tokens": 1250,
}
# What USAGE costs at the rates of settings/remote.json for openai:gpt-image-1, in millionths of a dollar.
USAGE_MICROS = 50 * 5 + 200 * 10 + 1000 * 40


@dataclass(frozen=True)
class Call:
    """One call as the server read it. `charged` is what the provider's own list of usage would say; `parts` are the
    files with their names, in order, and `files` the first of each name.
    """

    path: str
    headers: dict[str, str]
    fields: dict[str, str]
    parts: list[tuple[str, bytes]]
    charged: bool

    @property
    def files(self) -> dict[str, bytes]:
        """Contents by name."""
        return dict(reversed(self.parts))

    @property
    def idempotency_key(self) -> str:
        """What tells a repetition from a new request."""
        return self.headers.get("idempotency-key", "")


@dataclass
class Way:
    """How one call is answered.

    `status` other than 200 is a refusal that charges nothing. `fault` is one of `half` (the answer breaks off),
    `wrong_type`, `no_picture`, `giant`, `gzip_bomb`, `picture_bomb`, `hang` (until `release`), `drop` (hangs up before
    any answer).
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    charged: bool | None = None


class Provider:
    """A server for all three protocols. Ways are taken in order; without one it answers properly."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.ways: list[Way] = []
        self.release = threading.Event()
        self.heard = threading.Event()
        self._lock = threading.Lock()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                provider.answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # Handlers may be held by `hang`; nobody waits for them.
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def charged(self) -> list[Call]:
        """The provider's own list of usage."""
        with self._lock:
            return [call for call in self.calls if call.charged]

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Reads one call, books it and answers it."""
        length = int(handler.headers.get("Content-Length", "0"))
        body = handler.rfile.read(length) if length else _chunks(handler)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        fields, parts = _read(headers.get("content-type", ""), body)
        with self._lock:
            way = self.ways.pop(0) if self.ways else Way()
            refused = _unauthorized(headers)
            charged = way.charged if way.charged is not None else way.status == 200 and not refused
            self.calls.append(Call(handler.path, headers, fields, parts, charged))
        self.heard.set()
        try:
            if refused:
                self._send(handler, 401, {}, json.dumps({"error": {"message": "Incorrect API key"}}).encode())
            else:
                self._by(handler, way, fields, dict(reversed(parts)))
        except OSError:
            handler.close_connection = True

    def _by(self, handler: BaseHTTPRequestHandler, way: Way, fields: dict[str, str], files: dict[str, bytes]) -> None:
        if way.fault == "hang":
            self.release.wait()
        if way.fault == "drop":
            handler.close_connection = True
            handler.connection.shutdown(2)
            return
        if way.status != 200:
            self._send(handler, way.status, way.headers, json.dumps(way.body).encode())
            return
        kind, body, headers = _success(handler.path, fields, files, way)
        match way.fault:
            case "wrong_type":
                kind, body = "text/html", b"<html>a page of a proxy</html>"
            case "no_picture":
                body = b"{}" if kind == "application/json" else b"no picture at all"
            case "giant":
                body = body + b" " * (5 << 20)
            case "gzip_bomb":
                headers["content-encoding"], body = "gzip", gzip.compress(b" " * (64 << 20))
        if way.fault == "half":
            handler.send_response(200)
            handler.send_header("content-type", kind)
            handler.send_header("content-length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body[: len(body) // 2])
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(2)
            return
        self._send(handler, 200, {"content-type": kind, **headers, **way.headers}, body)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        handler.send_response(status)
        for key, value in {"content-type": "application/json", **headers}.items():
            handler.send_header(key, value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


def _success(path: str, fields: dict[str, str], files: dict[str, bytes], way: Way) -> tuple[str, bytes, dict[str, str]]:
    """Content type, body and headers of a proper answer."""
    bomb = way.fault == "picture_bomb"
    if "/images/" in path:
        size = fields.get("size", "1024x1024").partition("x")
        picture = bomb_png() if bomb else _drawn(int(size[0]), int(size[2]), files)
        answer = {"created": 1, "data": [{"b64_json": base64.b64encode(picture).decode()}], "usage": USAGE, **way.body}
        return "application/json", json.dumps(answer).encode(), {"x-request-id": "req_local"}
    (source,) = files.values()
    headers = {"x-credits-charged": "1"} if "removebg" in path else {}
    return "image/png", bomb_png() if bomb else _cut(source), headers


def _drawn(width: int, height: int, files: dict[str, bytes]) -> bytes:
    """The picture that was sent in warmer colours, at the size that was asked for; a drawing where none was sent."""
    if files:
        with Image.open(io.BytesIO(files["image[]"])) as source:
            image = source.convert("RGB").resize((width, height))
        red, green, blue = image.split()
        image = Image.merge("RGB", (red.point(lambda value: min(255, value + 20)), green, blue))
    else:
        image = Image.new("RGB", (width, height), (240, 230, 210))
        ImageDraw.Draw(image).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), (60, 80, 140))
    return _png(image)


def _cut(source: bytes) -> bytes:
    """The picture, opaque in its middle."""
    with Image.open(io.BytesIO(source)) as opened:
        image = opened.convert("RGB")
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse(
        (image.width // 4, image.height // 4, image.width * 3 // 4, image.height * 3 // 4), 255
    )
    image.putalpha(mask)
    return _png(image)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def bomb_png() -> bytes:
    """A PNG of a few kilobytes whose head says 20 000 × 20 000 pixels."""
    small = bytearray(_png(Image.new("L", (16, 16))))
    small[16:24] = (20_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


def _unauthorized(headers: dict[str, str]) -> bool:
    return KEY not in (headers.get("authorization", "").removeprefix("Bearer "), headers.get("x-api-key", ""))


def _read(content_type: str, body: bytes) -> tuple[dict[str, str], list[tuple[str, bytes]]]:
    """Fields and files of a multipart form, or the fields of a JSON object."""
    if content_type.startswith("application/json"):
        return {key: str(value) for key, value in json.loads(body).items()}, []
    message = message_from_bytes(f"content-type: {content_type}\r\n\r\n".encode() + body, policy=HTTP)
    fields: dict[str, str] = {}
    parts: list[tuple[str, bytes]] = []
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename():
            parts.append((name, content))
        else:
            fields[name] = content.decode().rstrip("\r\n")
    return fields, parts


def _chunks(handler: BaseHTTPRequestHandler) -> bytes:
    body = b""
    if handler.headers.get("Transfer-Encoding", "") == "chunked":
        while size := int(handler.rfile.readline().strip(), 16):
            body += handler.rfile.read(size)
            handler.rfile.readline()
        handler.rfile.readline()
    return body
