"""Frames: however the bytes arrive, the same frames come out; transfers are what the SDK reads."""

from __future__ import annotations

import pytest
from azure.eventhub._pyamqp._decode import decode_frame
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs import frames, performatives
from local.eventhubs.errors import FramingError
from local.eventhubs.frames import Frame, FrameBuffer


def taken(buffer: FrameBuffer) -> list[Frame]:
    found = []
    while (frame := buffer.take_frame()) is not None:
        found.append(frame)
    return found


@given(st.lists(st.tuples(st.integers(0, 65_535), st.binary(max_size=300)), max_size=8), st.data())
def test_frames_come_out_whole_however_they_arrive(contents: list[tuple[int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frames.frame(channel, body) for channel, body in contents)
    buffer, found, position = FrameBuffer(), [], 0
    while position < len(stream):
        size = data.draw(st.integers(1, len(stream) - position))
        buffer.feed(stream[position : position + size])
        found += taken(buffer)
        position += size
    assert found == [Frame(frames.AMQP_FRAME, channel, body) for channel, body in contents]


def test_an_extended_header_is_passed_over() -> None:
    buffer = FrameBuffer()
    buffer.feed(b"\x00\x00\x00\x0e\x03\x00\x00\x05extra!"[:12] + b"ok")
    assert buffer.take_frame() == Frame(frames.AMQP_FRAME, 5, b"ok")


@pytest.mark.parametrize("header", ["0000000702000000", "0001000102000000", "0000000801000000", "000000080300000f"])
def test_impossible_headers(header: str) -> None:
    buffer = FrameBuffer()
    buffer.feed(bytes.fromhex(header))
    with pytest.raises(FramingError):
        buffer.take_frame()


@given(st.binary(max_size=3_000), st.integers(512, 2_000), st.integers(0, 2**32 - 1))
def test_a_transfer_is_what_the_sdk_puts_together(payload: bytes, largest: int, delivery: int) -> None:
    buffer = FrameBuffer()
    buffer.feed(b"".join(frames.transfer(3, 7, delivery, payload, largest)))
    received = b""
    found = taken(buffer)
    for index, frame in enumerate(found):
        code, fields = decode_frame(memoryview(frame.body))
        assert (code, frame.channel, len(fields)) == (performatives.TRANSFER, 3, 12)
        handle, identifier, tag, message_format, settled, more = fields[:6]
        assert (handle, identifier, tag) == (7, delivery, delivery.to_bytes(4, "big"))
        assert (message_format, settled, more) == (0, True, index < len(found) - 1)
        assert len(frame.body) + 8 <= largest
        received += bytes(fields[11])
    assert received == payload
    assert len(found) == frames.count(len(payload), largest)
