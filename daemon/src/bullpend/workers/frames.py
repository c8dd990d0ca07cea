"""Frames on the pipes to and from workers: a big-endian 32-bit length, then that many bytes of one message.

Sans-io: bytes in, whole payloads out. Whoever sends a length beyond the limit has lost its place or its mind, and
nothing after it can be trusted; the reader then refuses for good.
"""

from __future__ import annotations

from struct import Struct

from google.protobuf.message import Message

MAX_FRAME_BYTES = 8 * 1024 * 1024
_LENGTH = Struct(">I")


class FrameError(ValueError):
    """The other end does not speak in frames."""


def encode(message: Message) -> bytes:
    """One message as a frame. Raises FrameError where it is over the limit."""
    payload = message.SerializeToString()
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes is over the limit of {MAX_FRAME_BYTES}")
    return _LENGTH.pack(len(payload)) + payload


class FrameReader:
    """Cuts a stream of bytes, however it arrives, into payloads."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete with this data. Raises FrameError, from then on for ever."""
        if self._broken:
            raise FrameError("the stream lost its frames before")
        buffer = self._buffer
        buffer += data
        payloads: list[bytes] = []
        at = 0
        while len(buffer) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer, at)
            if length > MAX_FRAME_BYTES:
                self._broken = True
                raise FrameError(f"a frame of {length} bytes is announced, over the limit of {MAX_FRAME_BYTES}")
            end = at + _LENGTH.size + length
            if len(buffer) < end:
                break
            payloads.append(bytes(memoryview(buffer)[at + _LENGTH.size : end]))
            at = end
        del buffer[:at]
        return payloads
