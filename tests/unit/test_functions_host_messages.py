"""What crosses between the host and its worker arrives as it was, in frames of any size."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions.channel import Channel, ChannelClosed, receive_blocking, send_blocking
from local.functions.messages import Answer, Data, Failure, Input, Invocation, Retry

DATA = st.one_of(
    st.builds(Data, st.just("bytes"), st.binary()),
    st.builds(Data, st.sampled_from(["json", "string"]), st.text()),
    st.builds(Data, st.just("collection_bytes"), st.lists(st.binary())),
    st.builds(Data, st.just("collection_string"), st.lists(st.text())),
    st.builds(Data, st.just("collection_sint64"), st.lists(st.integers(-(2**63), 2**63 - 1))),
    st.builds(Data, st.just("http"), st.fixed_dictionaries({"method": st.text(), "body": st.binary()})),
)


async def crossed(*frames: tuple[dict[str, object], list[bytes]]) -> list[tuple[dict[str, object], list[bytes]]]:
    """The frames at the other end of a channel; the sender waits for the reader when they are large."""
    ours, theirs = socket.socketpair()
    sender, receiver = await Channel.open(ours), await Channel.open(theirs)

    async def send() -> None:
        for frame in frames:
            await sender.send(*frame)

    sending = asyncio.create_task(send())
    received = [await receiver.receive() for _ in frames]
    await sending
    await sender.abort()
    with pytest.raises(ChannelClosed):
        await receiver.receive()
    await receiver.abort()
    return [tuple(frame) for frame in received]


@given(DATA, st.dictionaries(st.text(), DATA), st.builds(Failure, st.text(), st.text(), st.text()))
def test_an_invocation_and_its_answers_survive_the_crossing(
    data: Data, metadata: dict[str, Data], failure: Failure
) -> None:
    invocation = Invocation("stage", "id", Input(data, metadata), "00-1-2-01", "state", Retry(2, -1, failure))
    answers = [Answer(data), Answer(), Answer(failure=failure)]
    frames = [invocation.frame(7), *(answer.frame(7) for answer in answers)]
    asked, *answered = asyncio.run(crossed(*frames))
    assert Invocation.of(type(frames[0])(*asked)) == invocation
    assert [Answer.of(type(frames[0])(*frame)) for frame in answered] == answers


async def test_frames_larger_than_every_buffer_cross_whole() -> None:
    parts = [bytes([number]) * 3_000_000 for number in range(4)]
    assert await crossed(({"a": 1}, parts), ({"b": 2}, []), ({}, [b""])) == [
        ({"a": 1}, parts),
        ({"b": 2}, []),
        ({}, [b""]),
    ]


def test_text_that_is_not_unicode_does_not_stop_a_failure() -> None:
    failure = Failure("OSError", "no file '\udcff'", "\udcff")
    assert Answer.of(Answer(failure=failure).frame(1)).failure == Failure("OSError", "no file '?'", "?")


def test_the_first_frames_need_no_event_loop() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_blocking(ours, {"threads": None})
        assert receive_blocking(theirs) == {"threads": None}
        ours.close()
        with pytest.raises(ChannelClosed):
            receive_blocking(theirs)
        with pytest.raises(ChannelClosed):
            send_blocking(theirs, {})
