"""Frames survive any cutting of the stream; what is no frame is refused for good."""

from __future__ import annotations

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend.workers.frames import MAX_FRAME_BYTES, FrameError, FrameReader, encode
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.text(max_size=300), max_size=8), st.lists(st.integers(1, 40), min_size=1))
def test_frames_come_out_as_they_went_in(titles: list[str], cuts: list[int]) -> None:
    """However the stream is cut, the same messages come out in order."""
    messages = [link_pb2.ContactSheet(title=title) for title in titles]
    stream = b"".join(encode(message) for message in messages)
    reader = FrameReader()
    payloads: list[bytes] = []
    at = 0
    turn = 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        payloads += reader.feed(stream[at : at + size])
        at += size
        turn += 1
    assert [link_pb2.ContactSheet.FromString(payload) for payload in payloads] == messages


def test_an_empty_message_is_a_frame() -> None:
    """A message without fields has no bytes and is a frame all the same."""
    assert FrameReader().feed(encode(link_pb2.Ping())) == [b""]


def test_a_length_over_the_limit_is_refused_for_good() -> None:
    """A length beyond the limit is refused at once, not after reading that much; what follows is refused too."""
    reader = FrameReader()
    with pytest.raises(FrameError, match="over the limit"):
        reader.feed((MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
    with pytest.raises(FrameError, match="lost its frames"):
        reader.feed(encode(link_pb2.Ping()))


def test_a_message_over_the_limit_is_not_sent() -> None:
    """The limit holds for our own frames too."""
    with pytest.raises(FrameError, match="over the limit"):
        encode(link_pb2.PreviewReady(image=bytes(MAX_FRAME_BYTES)))
