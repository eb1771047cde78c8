"""How `send` delivers: in chunks, at a pace, counting only what was acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tools.send.command import Tally, deliver, outgoing
from tools.send.outgoing import Outgoing, SendFailed
from tools.send.pace import Pace


class Recorder:
    """A sender that acknowledges everything until told to refuse."""

    def __init__(self, refuse_after: int | None = None) -> None:
        self.chunks: list[list[Outgoing]] = []
        self.refuse_after = refuse_after

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        self.chunks.append(events)
        if self.refuse_after is not None and len(self.chunks) > self.refuse_after:
            raise SendFailed("refused", events[:3])
        return events

    def close(self) -> None: ...


def never() -> bool:
    return False


def events(count: int, bad: float = 0.0) -> Iterator[Outgoing]:
    return outgoing("mixed", count, bad, seed=1)


def run(sender: Recorder, count: int, bad: float = 0.0, interrupted: Callable[[], bool] = never) -> Tally:
    tally = Tally()
    deliver(events(count, bad), count, sender, Pace(None), tally, interrupted, "to dev")
    return tally


def test_everything_is_delivered_in_order_and_counted() -> None:
    sender = Recorder()
    tally = run(sender, 4500, bad=0.01)
    assert (tally.sent, tally.bad) == (4500, 45)
    assert [event.body for chunk in sender.chunks for event in chunk if not event.bad][:3]
    assert sum(len(chunk) for chunk in sender.chunks) == 4500
    assert len(sender.chunks) == 3


def test_what_was_acknowledged_before_a_refusal_counts_and_nothing_more_is_sent() -> None:
    sender = Recorder(refuse_after=1)
    tally = Tally()
    with pytest.raises(SendFailed):
        deliver(events(6000), 6000, sender, Pace(None), tally, never, "to dev")
    assert tally.sent == 2003
    assert len(sender.chunks) == 2


def test_an_interruption_ends_after_the_chunk_on_the_wire() -> None:
    sender = Recorder()
    assert run(sender, 9000, interrupted=lambda: len(sender.chunks) == 2).sent == 4000


@pytest.mark.parametrize(
    ("elapsed", "due"), [(0.0, 1), (0.099, 1), (0.1, 2), (1.0, 11), (5.0, 51), (9.9, 100), (100.0, 100)]
)
def test_a_pace_is_even_and_never_ahead(elapsed: float, due: int) -> None:
    assert Pace(10.0).due(elapsed, 100) == due


def test_a_pace_waits_until_the_next_event_is_due() -> None:
    assert Pace(10.0).wait(elapsed=0.25, done=3) == pytest.approx(0.05)
    assert Pace(1000.0).wait(elapsed=0.25, done=251) == pytest.approx(0.02)
    assert Pace(None).wait(elapsed=0.25, done=3) == 0.0


def test_bad_events_are_counted_apart() -> None:
    tally = run(Recorder(), 4500, bad=0.01)
    assert (tally.sent, tally.bad) == (4500, 45)


def test_a_paced_run_takes_its_time() -> None:
    tally = Tally()
    sender = Recorder()
    deliver(events(31), 31, sender, Pace(100.0), tally, never, "to dev")
    assert tally.sent == 31
    assert tally.seconds >= 0.3
    assert len(sender.chunks) > 5
