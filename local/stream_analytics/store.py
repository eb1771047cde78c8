"""What a job must not lose, in one SQLite file: how far it has read, what its query remembers, what it has yet to
deliver. All three change together, in one transaction a cycle; when reference data took effect is kept before it does.

So a job that is killed anywhere goes on as if it had not been: what is committed is delivered (again, the same bytes
under the same names), and what is not is read again.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from local.sql.asa.values import DateTime
from local.stream_analytics.errors import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS position (
    input TEXT, partition INTEGER, log TEXT NOT NULL, sequence INTEGER NOT NULL, settled INTEGER NOT NULL,
    PRIMARY KEY (input, partition)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (one INTEGER PRIMARY KEY CHECK (one = 1), of TEXT NOT NULL, saved BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS memory_lines (one INTEGER PRIMARY KEY CHECK (one = 1), numbers TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS memory_line (number INTEGER PRIMARY KEY, line BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    number INTEGER, output TEXT, moment REAL NOT NULL, lines BLOB NOT NULL, PRIMARY KEY (number, output)
);
CREATE TABLE IF NOT EXISTS reference (
    input TEXT, name TEXT, effective INTEGER NOT NULL, PRIMARY KEY (input, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cycle (one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Position:
    """Up to where a partition was read: a sequence number of `log`, a hub and when it was created.

    Up to `settled`, the query is through with the events, but for windows that are open; those after it may wait for
    others before them, in what the query remembers and nowhere else.
    """

    log: str
    sequence: int
    settled: int


@dataclass(frozen=True)
class Memory:
    """What a query remembers (`Job.save`), and of which query: `of` is another one for another query.

    All of `saved` but its first line is written once: those that are there again stay, and those that are not, go.
    """

    of: str
    saved: Sequence[bytes]


@dataclass(frozen=True)
class Delivery:
    """Records for an output, one line of JSON each, decided at `moment` (seconds since 1970) in a cycle."""

    number: int
    output: str
    moment: float
    lines: Sequence[bytes]


class Store:
    """The state of one job, for one process at a time.

    Raises:
        StoreError: another process has it, or the disk does not let us.
    """

    def __init__(self, directory: Path) -> None:
        self._file = directory / "job.db"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._file, timeout=0, isolation_level=None)
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
            self._database.execute(
                "INSERT INTO run SELECT ? WHERE NOT EXISTS (SELECT 1 FROM run)", (str(uuid.uuid4()),)
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"cannot keep state in {self._file} ({error}): "
                "stop the job that runs on it, or choose another --data-dir"
            ) from None
        self._lines: dict[bytes, int] = {
            line: number for number, line in self._rows("SELECT number, line FROM memory_line")
        }
        self.run: str = self._rows("SELECT id FROM run")[0][0]

    def close(self) -> None:
        self._database.close()

    def positions(self, name: str) -> dict[int, Position]:
        """How far an input was read, by partition; raises `StoreError`, as all that reads here does."""
        query = "SELECT partition, log, sequence, settled FROM position WHERE input = ?"
        return {partition: Position(*position) for partition, *position in self._rows(query, name)}

    def memory(self) -> Memory | None:
        """What the query remembered after the last cycle; None before the first."""
        rows = self._rows("SELECT of, saved, numbers FROM memory LEFT JOIN memory_lines USING (one)")
        if not rows:
            return None
        of, head, numbers = rows[0]
        lines = {number: line for line, number in self._lines.items()}
        try:
            return Memory(of, [head, *(lines[int(number)] for number in (numbers or "").split())])
        except (KeyError, ValueError):
            raise self.unreadable("what the query remembers is not all there") from None

    def commit(
        self,
        positions: Mapping[str, Mapping[int, Position]],
        memory: Memory,
        records: Mapping[str, Sequence[bytes]],
        moment: float,
    ) -> None:
        """Commit a cycle, whole.

        Args:
            positions: Up to where each input was read, by partition.
            memory: What the query remembers now.
            records: What it gave, by output.
            moment: When, in seconds since 1970.

        Raises:
            StoreError: the disk does not let us; nothing of it was committed.
        """
        with self._transaction() as database:
            database.executemany(
                "INSERT OR REPLACE INTO position VALUES (?, ?, ?, ?, ?)",
                [
                    (name, partition, position.log, position.sequence, position.settled)
                    for name, moved in positions.items()
                    for partition, position in moved.items()
                ],
            )
            kept = self._remember(database, memory)
            database.execute("INSERT INTO cycle VALUES (1, 1) ON CONFLICT (one) DO UPDATE SET number = number + 1")
            number = database.execute("SELECT number FROM cycle").fetchone()[0]
            database.executemany(
                "INSERT INTO outbox VALUES (?, ?, ?, ?)",
                [(number, output, moment, b"\n".join(lines)) for output, lines in records.items() if lines],
            )
        self._lines = kept

    def _remember(self, database: sqlite3.Connection, memory: Memory) -> dict[bytes, int]:
        """Write what a query remembers, as far as it is not there; give the lines that are there then."""
        head, *lines = memory.saved
        before, unused = self._lines, count(max(self._lines.values(), default=0) + 1)
        numbers = {line: before.get(line) or next(unused) for line in dict.fromkeys(lines)}
        database.executemany(
            "DELETE FROM memory_line WHERE number = ?",
            [(number,) for line, number in before.items() if line not in numbers],
        )
        database.executemany(
            "INSERT INTO memory_line VALUES (?, ?)",
            [(number, line) for line, number in numbers.items() if line not in before],
        )
        database.execute("INSERT OR REPLACE INTO memory VALUES (1, ?, ?)", (memory.of, head))
        database.execute(
            "INSERT OR REPLACE INTO memory_lines VALUES (1, ?)", (" ".join(str(numbers[line]) for line in lines),)
        )
        return numbers

    def reference(self, name: str) -> tuple[tuple[str, DateTime], ...]:
        """From when on each blob of reference data is in effect, by its name."""
        rows = self._rows("SELECT name, effective FROM reference WHERE input = ?", name)
        return tuple((blob, DateTime(effective)) for blob, effective in rows)

    def keep_reference(self, name: str, known: Sequence[tuple[str, DateTime]]) -> None:
        """Keep what is in effect from when on, in place of what was kept: before a row is joined by it.

        Raises:
            StoreError: the disk does not let us; what was kept is.
        """
        with self._transaction() as database:
            database.execute("DELETE FROM reference WHERE input = ?", (name,))
            rows = [(name, blob, int(effective)) for blob, effective in known]
            database.executemany("INSERT INTO reference VALUES (?, ?, ?)", rows)

    def pending(self) -> list[Delivery]:
        """What is committed and not known to be delivered, in order."""
        rows = self._rows("SELECT number, output, moment, lines FROM outbox ORDER BY number, output")
        return [Delivery(number, output, moment, lines.split(b"\n")) for number, output, moment, lines in rows]

    def delivered(self, delivery: Delivery) -> None:
        """Forget a delivery that has arrived whole.

        Raises:
            StoreError: the disk does not let us; it will be delivered again.
        """
        try:
            self._database.execute(
                "DELETE FROM outbox WHERE number = ? AND output = ?", (delivery.number, delivery.output)
            )
        except sqlite3.Error as error:
            raise self._unwritable(error) from None

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(query, values).fetchall()
        except (sqlite3.Error, ValueError) as error:  # ValueError: text that is no UTF-8
            raise self.unreadable(str(error)) from None

    def unreadable(self, why: str) -> StoreError:
        """The error for a state that is not what was written, whatever has become of it."""
        return StoreError(
            f"{self._file} cannot be read ({why}): "
            "delete it, and the job reads its hubs from their beginning and stores again what they hold"
        )

    def _unwritable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"{self._file} cannot be written ({error}): once it can, start the job again, and it goes on where it was"
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, or nothing."""
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:  # a full disk has ended it
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._unwritable(error) from None
