"""Dead letters: read from files, put together, chosen, and made ready to send again."""

from __future__ import annotations

import argparse
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from shared.failures import PART_BYTES, Failure, dead_letters
from shared.records import REPLAY_PROPERTY, REPLAY_STAGE_PROPERTY, Origin
from tools.dead_letters import choice
from tools.dead_letters.letter import DeadLetter, UnreadableLetter, assemble
from tools.dead_letters.replay import by_hub, latest, outgoing, replay
from tools.errors import UsageError
from tools.send.outgoing import Outgoing, SendFailed


def line(**fields: Any) -> bytes:
    return orjson.dumps(
        {
            "id": "dev-2-418-0-5", "stage": "split", "reason": "validation",
            "errors": [{"loc": ["latitude"], "msg": "too large", "type": "less_than_equal"}], "hub": "dev",
            "partition": "2", "sequence": 418, "index": 0, "enqueued": 1763855000123, "key": "28036",
            "failed_at": "2026-11-22T09:00:00.123456Z", "size": 2, "part": 0, "parts": 1, "body": "{}", **fields,
        }
    )  # fmt: skip


def letters(*lines: bytes) -> list[DeadLetter]:
    return assemble([("stage=split/one.jsonl", b"\n".join(lines) + b"\n")])


def test_a_letter_is_read_whole() -> None:
    (letter,) = letters(line())
    assert (letter.id, letter.stage, letter.key, letter.body) == ("dev-2-418-0-5", "split", "28036", b"{}")
    assert (letter.hub, letter.partition, letter.sequence, letter.index) == ("dev", "2", 418, 0)
    assert letter.summary() == "latitude: too large"
    assert letter.complete


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    (letter,) = letters(line(body_base64=base64.b64encode(b"caf\xe9\x00").decode()))
    assert letter.body == b"caf\xe9\x00"
    assert base64.b64decode(letter.document()["body_base64"]) == b"caf\xe9\x00"


def test_a_letter_written_twice_is_one() -> None:
    assert len(assemble([("a.jsonl", line() + b"\n"), ("b.jsonl", line() + b"\n" + line(id="other") + b"\n")])) == 2


def test_what_the_app_writes_comes_back_byte_for_byte() -> None:
    """GIVEN a body of three parts, cut within a character, out of order and in two files THEN it is whole again."""
    body = "é".encode() * PART_BYTES + b"\xff"
    failure = Failure(
        stage="split", reason="decode", errors=[], hub="dev", partition="2", sequence=418, element=0,
        enqueued=1763855000123, origin=Origin("dev", "2", 418, "0", 1763855000123), body=body, key=None,
    )  # fmt: skip
    written = [
        orjson.dumps(orjson.loads(record)["data"]) for _, record in dead_letters(failure, "2026-11-22T09:00:00Z")
    ]
    assert len(written) == 3
    (letter,) = assemble([("b.jsonl", b"\n".join(reversed(written[1:]))), ("a.jsonl", written[0])])
    assert letter.body == body
    assert letter.complete
    assert not letter.id.endswith(".part1")


def test_a_letter_with_a_part_missing_is_listed_but_not_replayed() -> None:
    (letter,) = letters(line(parts=2, part=1, id="dev-2-418-0-5.part1"))
    assert (letter.id, letter.complete) == ("dev-2-418-0-5", False)
    assert letter.document()["found_parts"] == 1
    with pytest.raises(UsageError, match="1 of its 2 parts"):
        by_hub([letter])


@pytest.mark.parametrize("broken", [b"{", b"[]", b'"text"', line(body_base64="*"), b'{"id": "only"}', line()[:-20]])
def test_a_line_that_is_no_letter_is_named(broken: bytes) -> None:
    with pytest.raises(UnreadableLetter, match=r"stage=split/one\.jsonl, line 2"):
        letters(line(), broken)


def test_several_errors_are_counted() -> None:
    errors = [{"loc": ["a", 0], "msg": "one", "type": "x"}, {"loc": [], "msg": "two", "type": "y"}]
    assert letters(line(errors=errors))[0].summary() == "a.0: one (and 1 more)"
    assert letters(line(errors=[]))[0].summary() == ""


def test_a_replay_carries_the_original_bytes_key_and_origin() -> None:
    (letter,) = letters(line())
    event = outgoing(letter)
    assert (event.body, event.key) == (b"{}", "28036")
    assert event.properties == {REPLAY_PROPERTY: "dev/2/418/0/1763855000123", REPLAY_STAGE_PROPERTY: "split"}


def test_a_replay_of_a_later_stage_carries_where_the_fact_first_entered() -> None:
    (letter,) = letters(line(hub="places", sequence=3, index=7, origin="dev/2/418/0/1763855000123"))
    assert outgoing(letter).properties[REPLAY_PROPERTY] == "dev/2/418/0/1763855000123"


def test_what_failed_again_after_a_replay_is_sent_again_once() -> None:
    found = letters(
        line(id="first", failed_at="2026-11-22T09:00:00Z"),
        line(id="again", failed_at="2026-11-22T10:00:00Z", sequence=900, origin="dev/2/418/0/1763855000123"),
        line(id="other", sequence=419),
    )
    assert sorted(letter.id for letter in latest(found)) == ["again", "other"]


def never() -> bool:
    return False


class Hub:
    """Remembers what it was sent; refuses its `refuse`-th chunk."""

    def __init__(self, refuse: bool = False) -> None:
        self.refuse, self.sent, self.closed = refuse, list[Outgoing](), False

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        if self.refuse:
            raise SendFailed("refused", [])
        self.sent.extend(events)
        return events

    def close(self) -> None:
        self.closed = True


def test_letters_go_to_the_hub_they_came_from_in_the_order_they_entered_it() -> None:
    chosen = letters(
        line(id="c", sequence=9, body="3"),
        line(id="a", sequence=2, body="1"),
        line(id="b", sequence=2, index=10, body="2"),
        line(id="d", hub="places", body="other"),
    )
    hubs: dict[str, Hub] = {}
    heard: list[tuple[str, int]] = []
    replay(chosen, lambda name: hubs.setdefault(name, Hub()), lambda hub, count: heard.append((hub, count)), never)
    assert [event.body for event in hubs["dev"].sent] == [b"1", b"2", b"3"]
    assert [event.body for event in hubs["places"].sent] == [b"other"]
    assert heard == [("dev", 3), ("places", 1)]
    assert all(hub.closed for hub in hubs.values())


def test_a_refused_replay_stops_and_closes() -> None:
    hub = Hub(refuse=True)
    with pytest.raises(SendFailed):
        replay(letters(line()), lambda name: hub, lambda name, count: None, never)
    assert hub.closed


def test_an_interrupted_replay_sends_no_further_chunk() -> None:
    hub = Hub()
    many = letters(*(line(id=f"dev-2-{number}", sequence=number) for number in range(1200)))
    replay(many, lambda name: hub, lambda name, count: None, lambda: len(hub.sent) >= 500)
    assert len(hub.sent) == 500
    assert hub.closed


def test_the_beginning_of_an_id_is_enough_when_it_is_one_letters() -> None:
    some = letters(line(id="dev-2-418"), line(id="dev-2-4181"), line(id="dev-3-1"))
    assert choice.by_id(some, "dev-3").id == "dev-3-1"
    assert choice.by_id(some, "dev-2-418").id == "dev-2-418"
    with pytest.raises(UsageError, match="2 dead letters begin"):
        choice.by_id(some, "dev-2-4")
    with pytest.raises(UsageError, match="no dead letter"):
        choice.by_id(some, "x")


def test_since_is_a_time_or_so_long_ago() -> None:
    assert choice.since("2026-11-22T09:00") == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert choice.since("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
    assert choice.since("2026-11-22T09:00:00-05:00") == datetime(2026, 11, 22, 14, tzinfo=UTC)
    assert abs(datetime.now(UTC) - timedelta(hours=2) - choice.since("2h")) < timedelta(seconds=10)
    with pytest.raises(argparse.ArgumentTypeError, match="neither a time"):
        choice.since("yesterday")
