"""What is known of idempotent producers: their ids, and in each partition the last batches of each.

A producer that got no answer sends its batch again. Its sequence numbers tell a repeat, which is answered but not
stored, from what is new and from what does not follow. The rules are Kafka's (KIP-98), kept where the log is kept and
committed with it, so neither a restart nor a kill makes a duplicate or a gap.
"""

from __future__ import annotations

import sqlite3
import struct
from typing import NamedTuple, Protocol

from local.eventhubs.entry import Appended
from local.eventhubs.errors import OutOfOrderSequence, StaleEpoch

_TABLES = """
CREATE TABLE IF NOT EXISTS producer_ids (next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS producers (
    partition INTEGER NOT NULL, producer INTEGER NOT NULL, epoch INTEGER NOT NULL, enqueued INTEGER NOT NULL,
    batches BLOB NOT NULL, PRIMARY KEY (partition, producer)
) WITHOUT ROWID;
"""
_UPSERT = "INSERT OR REPLACE INTO producers VALUES (?, ?, ?, ?, ?)"
# As many batches as a producer has under way at most (max.in.flight.requests.per.connection, KIP-98).
_REMEMBERED = 5
# Sequence numbers go from 0 to 2^31 - 1, then on from 0.
_SEQUENCES = 2**31


class Sequenced(Protocol):
    """A run of events, and where it stands among all that its producer sends to a partition."""

    @property
    def producer_id(self) -> int: ...  # negative: not of an idempotent producer

    @property
    def producer_epoch(self) -> int: ...

    @property
    def base_sequence(self) -> int: ...

    @property
    def count(self) -> int: ...


class _Sent(NamedTuple):
    """A batch: its first and last sequence number, and what its producer was answered."""

    first: int
    last: int
    base: int
    enqueued: int


_SENT = struct.Struct(">iiqq")


class _State(NamedTuple):
    epoch: int
    batches: tuple[_Sent, ...]


_Key = tuple[int, int]


class ProducerStates:
    """The states of all producers, by partition key and producer id. The log's transactions are the caller's."""

    def __init__(self, database: sqlite3.Connection, now: int) -> None:
        """Read what `database` has, creating its tables when they are missing.

        Raises:
            sqlite3.Error: it cannot be read or written.
        """
        self._database = database
        database.executescript(_TABLES)
        # An id must not be given twice even when the file was deleted while a producer lived on: count from the clock.
        database.execute("INSERT INTO producer_ids SELECT ? WHERE NOT EXISTS (SELECT 1 FROM producer_ids)", (now,))
        self._states: dict[_Key, _State] = {
            (partition, producer): _State(epoch, tuple(_Sent(*sent) for sent in _SENT.iter_unpack(batches)))
            for partition, producer, epoch, batches in database.execute(
                "SELECT partition, producer, epoch, batches FROM producers"
            )
        }
        self._pending: dict[_Key, _State] = {}

    def new_id(self) -> int:
        """An id that no producer has had.

        Raises:
            sqlite3.Error: it cannot be made durable.
        """
        rows = self._database.execute("UPDATE producer_ids SET next = next + 1 RETURNING next - 1").fetchall()
        return int(rows[0][0])

    def last(self, partition: int, producer: int) -> tuple[int, int] | None:
        """The epoch and the last sequence number of a producer; None when nothing is known of it."""
        state = self._state((partition, producer))
        return (state.epoch, state.batches[-1].last) if state else None

    def admit(
        self, partition: int, batch: Sequenced, first: int = 0
    ) -> Appended | OutOfOrderSequence | StaleEpoch | None:
        """What to answer a batch without storing it, or None to store it: then call `appended`.

        Args:
            first: the sequence number with which a new epoch begins.
        """
        if batch.producer_id < 0:
            return None
        state = self._state((partition, batch.producer_id))
        # A producer whose state is gone (too old, or its log was deleted) goes on from wherever it is.
        if state is None:
            return None
        who = f"producer {batch.producer_id}, epoch {batch.producer_epoch}"
        if batch.producer_epoch < state.epoch:
            return StaleEpoch(f"{who}: epoch {state.epoch} has taken over")
        if batch.producer_epoch > state.epoch:
            expected = first
        else:
            last = _last_sequence(batch)
            for sent in state.batches:
                if (sent.first, sent.last) == (batch.base_sequence, last):
                    return Appended(sent.base, sent.enqueued)
            expected = (state.batches[-1].last + 1) % _SEQUENCES
        if batch.base_sequence != expected:
            return OutOfOrderSequence(f"{who}: sequence {batch.base_sequence} came where {expected} is next")
        return None

    def appended(self, partition: int, batch: Sequenced, base: int, enqueued: int) -> None:
        """`batch` is part of the transaction under way."""
        if batch.producer_id < 0:
            return
        key = partition, batch.producer_id
        state = self._state(key)
        before = state.batches if state and state.epoch == batch.producer_epoch else ()
        sent = _Sent(batch.base_sequence, _last_sequence(batch), base, enqueued)
        self._pending[key] = _State(batch.producer_epoch, (*before, sent)[-_REMEMBERED:])

    def write(self) -> None:
        """Write what `appended` changed, within the transaction under way."""
        self._database.executemany(
            _UPSERT,
            [
                (*key, state.epoch, state.batches[-1].enqueued, b"".join(_SENT.pack(*sent) for sent in state.batches))
                for key, state in self._pending.items()
            ],
        )

    def committed(self) -> None:
        """The transaction is durable."""
        self._states.update(self._pending)
        self._pending.clear()

    def rolled_back(self) -> None:
        """The transaction did not take place."""
        self._pending.clear()

    def forget(self, before: int) -> None:
        """Drop the states of producers that sent nothing since `before` (milliseconds since 1970).

        Raises:
            sqlite3.Error: it cannot be made durable.
        """
        old = [key for key, state in self._states.items() if state.batches[-1].enqueued < before]
        if old:
            self._database.execute("DELETE FROM producers WHERE enqueued < ?", (before,))
        for key in old:
            del self._states[key]

    def _state(self, key: _Key) -> _State | None:
        return self._pending.get(key) or self._states.get(key)


def _last_sequence(batch: Sequenced) -> int:
    return (batch.base_sequence + batch.count - 1) % _SEQUENCES
