"""Frames between a worker and its daemon: a big-endian 32-bit length, then one protobuf message.

Owns the byte level only; what the messages mean is decided by the loops. The format is fixed by
`proto/bullpen/worker/v1/link.proto`.
"""

from __future__ import annotations

import os
import select
import struct
import threading
from collections.abc import Callable
from typing import BinaryIO

from bullpen_api.worker.v1 import link_pb2
from google.protobuf.message import DecodeError, Message

MAX_FRAME_BYTES = 8 * 1024 * 1024

_HEAD = struct.Struct(">I")


class FrameError(Exception):
    """The byte stream is no sequence of frames: cut off, over the limit, or not a message."""


def encode_frame(message: Message) -> bytes:
    """The bytes of one frame. Raises FrameError above MAX_FRAME_BYTES."""
    body = message.SerializeToString()
    if len(body) > MAX_FRAME_BYTES:
        raise FrameError(f"frame of {len(body)} bytes; the limit is {MAX_FRAME_BYTES}")
    return _HEAD.pack(len(body)) + body


class FrameReader:
    """Reads ToWorker frames from a blocking byte stream."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self) -> link_pb2.ToWorker | None:
        """The next frame, or None at a clean end. Raises FrameError on a cut, an oversize or garbage."""
        head = self._stream.read(_HEAD.size)
        if not head:
            return None
        if len(head) < _HEAD.size:
            raise FrameError("the stream ended inside a frame's length")
        (length,) = _HEAD.unpack(head)
        if length > MAX_FRAME_BYTES:
            raise FrameError(f"frame of {length} bytes; the limit is {MAX_FRAME_BYTES}")
        body = self._stream.read(length)
        if len(body) < length:
            raise FrameError(f"the stream ended after {len(body)} of {length} bytes")
        try:
            return link_pb2.ToWorker.FromString(body)
        except DecodeError as error:
            raise FrameError("a frame holds no message") from error


class FrameWriter:
    """Writes FromWorker frames to a file descriptor; safe to use from several threads."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, message: link_pb2.FromWorker) -> None:
        """Writes one frame whole, waiting while the pipe is full. Raises OSError when the daemon is gone."""
        frame = encode_frame(message)
        with self._lock:
            self._write(frame)

    def offer(self, message: link_pb2.FromWorker) -> bool:
        """Writes a frame that may be lost: False, and nothing written, where the pipe is busy or full."""
        frame = encode_frame(message)
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if not self._writable():
                return False
            self._write(frame)
            return True
        finally:
            self._lock.release()

    def _writable(self) -> bool:
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        return bool(poll.poll(0))

    def _write(self, frame: bytes) -> None:
        written = os.write(self._fd, frame)
        while written < len(frame):
            frame = frame[written:]
            written = os.write(self._fd, frame)


def start_reader(
    reader: FrameReader,
    deliver: Callable[[link_pb2.ToWorker], None],
    ended: Callable[[FrameError | None], None],
) -> threading.Thread:
    """Reads frames on a thread of its own, so that the end of the stream is seen while a step runs.

    `ended` is called on that thread with None at a clean end, or with what was wrong.
    """

    def run() -> None:
        try:
            while (message := reader.read()) is not None:
                deliver(message)
        except FrameError as error:
            ended(error)
        except OSError as error:
            ended(FrameError(str(error)))
        else:
            ended(None)

    thread = threading.Thread(target=run, name="link-reader", daemon=True)
    thread.start()
    return thread
