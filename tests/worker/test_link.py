"""Frames on the link: whole or refused, never half."""

from __future__ import annotations

import io
import os
import struct
import threading
from queue import SimpleQueue

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.link import MAX_FRAME_BYTES, FrameError, FrameReader, FrameWriter, encode_frame, start_reader
from hypothesis import given
from hypothesis import strategies as st


def _reader(data: bytes) -> FrameReader:
    return FrameReader(io.BytesIO(data))


@given(st.lists(st.text(max_size=200), max_size=6))
def test_frames_come_back_as_they_were_sent(names: list[str]) -> None:
    """Any sequence of messages survives the way through the bytes, and then the stream ends."""
    sent = [link_pb2.ToWorker(cancel_job=link_pb2.CancelJob(job=name, attempt=3)) for name in names]
    reader = _reader(b"".join(encode_frame(message) for message in sent))
    assert [reader.read() for _ in sent] == sent
    assert reader.read() is None


@pytest.mark.parametrize("kept", [1, 3, 4, 5, 11])
def test_a_cut_stream_is_an_error_not_an_end(kept: int) -> None:
    """A stream that stops inside a frame is told apart from one that stops between two."""
    frame = encode_frame(link_pb2.ToWorker(cancel_job=link_pb2.CancelJob(job="a job", attempt=1)))
    with pytest.raises(FrameError, match="ended"):
        _reader(frame[:kept]).read()


def test_an_oversize_frame_is_refused_before_it_is_read() -> None:
    """The announced length alone is enough to refuse; no memory is taken for it."""
    with pytest.raises(FrameError, match="limit"):
        _reader(struct.pack(">I", MAX_FRAME_BYTES + 1)).read()


def test_an_oversize_message_is_not_sent() -> None:
    """The sender refuses what the receiver would."""
    with pytest.raises(FrameError, match="limit"):
        encode_frame(link_pb2.FromWorker(preview_ready=link_pb2.PreviewReady(image=bytes(MAX_FRAME_BYTES))))


def test_garbage_is_an_error() -> None:
    """Bytes that are no message end the link instead of being guessed at."""
    with pytest.raises(FrameError, match="no message"):
        _reader(struct.pack(">I", 4) + b"\xff\xff\xff\xff").read()


def test_threads_do_not_mix_their_frames() -> None:
    """Frames larger than the pipe's buffer, written by several threads, arrive whole."""
    reading, writing = os.pipe()
    writer = FrameWriter(writing)
    sizes = [70_000, 10, 90_000, 500]

    def write(size: int) -> None:
        for _ in range(5):
            writer.send(link_pb2.FromWorker(preview_ready=link_pb2.PreviewReady(image=bytes([size % 251]) * size)))

    threads = [threading.Thread(target=write, args=(size,)) for size in sizes]
    for thread in threads:
        thread.start()
    counts = dict.fromkeys(sizes, 0)
    with os.fdopen(reading, "rb") as stream:
        for _ in range(5 * len(sizes)):
            (length,) = struct.unpack(">I", stream.read(4))
            image = link_pb2.FromWorker.FromString(stream.read(length)).preview_ready.image
            assert set(image) == {len(image) % 251}
            counts[len(image)] += 1
    for thread in threads:
        thread.join()
    os.close(writing)
    assert set(counts.values()) == {5}


def test_an_offered_frame_is_dropped_when_nobody_reads() -> None:
    """A full pipe costs the preview, not the device thread's time."""
    reading, writing = os.pipe()
    writer = FrameWriter(writing)
    preview = link_pb2.FromWorker(preview_ready=link_pb2.PreviewReady(image=bytes(8_000)))
    assert writer.offer(preview)
    # Leaves less than the room that the system promises to a writer that must not wait.
    os.write(writing, bytes(65_536 - 8_000 - 1_000))
    assert not writer.offer(preview)
    os.close(reading)
    os.close(writing)


def test_the_reader_tells_how_the_stream_ended() -> None:
    """A clean end and a broken one are reported differently, after everything before was delivered."""
    for tail, broken in ((b"", False), (b"\0\0", True)):
        ends: SimpleQueue[FrameError | None] = SimpleQueue()
        got: list[link_pb2.ToWorker] = []
        thread = start_reader(
            _reader(encode_frame(link_pb2.ToWorker(ping=link_pb2.Ping())) + tail), got.append, ends.put
        )
        assert (ends.get(timeout=60) is not None) is broken
        thread.join()
        assert [message.WhichOneof("body") for message in got] == ["ping"]
