"""Requests are cut from a stream however it is chunked, and nothing is held for what was only promised."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs.kafka.errors import ProtocolFault
from local.eventhubs.kafka.framing import MAX_REQUEST_BYTES, FrameBuffer


@given(frames=st.lists(st.binary(max_size=20), max_size=10), data=st.data())
def test_any_chunks_of_a_stream_give_its_requests(frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(struct.pack(">i", len(frame)) + frame for frame in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    buffer, taken = FrameBuffer(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        buffer.feed(stream[start:end])
        while (frame := buffer.take()) is not None:
            taken.append(bytes(frame))
    assert taken == frames
    assert len(buffer) == 0


@pytest.mark.parametrize("size", [-1, -(2**31), MAX_REQUEST_BYTES + 1, 2**31 - 1])
def test_a_size_that_cannot_be_is_refused_before_what_follows_it(size: int) -> None:
    buffer = FrameBuffer()
    buffer.feed(struct.pack(">i", size))
    with pytest.raises(ProtocolFault, match=str(size)):
        buffer.take()


def test_the_largest_request_in_many_chunks() -> None:
    buffer = FrameBuffer()
    content = bytes(range(256)) * (MAX_REQUEST_BYTES // 256)
    stream = struct.pack(">i", len(content)) + content + b"\0\0\0\0"
    for start in range(0, len(stream), 1_000):
        assert buffer.take() is None
        buffer.feed(stream[start : start + 1_000])
    frame = buffer.take()
    assert frame is not None
    assert bytes(frame) == content
    assert buffer.take() == b""
    assert buffer.take() is None
