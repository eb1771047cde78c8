"""What has been written to files from one partition: how a replay is recognised, however its batches are cut.

Two things repeat under at-least-once delivery. A stage upstream that runs twice puts the same records on the hub again;
and our own invocation runs again when it, or its checkpoint, did not finish. Both are told by where records first
entered: those that came from one partition of one hub by one way (a *lane*) stand in a hub's partition in the order of
their origins, for stages keep order, and stop rather than leave a gap. So what is at or below the highest origin seen
in its lane is a repeat, as in Kafka's idempotent producer.

The ledger of a partition is one small blob, replaced (with If-Match) before the files of each batch are written, and
once they are. It holds the marks before and after that batch, its range of sequence numbers, and the files it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import BaseModel


class Mark(NamedTuple):
    """The highest origin seen in a lane: sequence number, element, and when it was enqueued (ms since 1970)."""

    sequence: int
    element: tuple[int, ...]
    enqueued: int

    def covers(self, other: Mark) -> bool:
        """Whether `other` is a repeat.

        A lower sequence number that was enqueued later is none: the hub was created anew, and counts from 0 again.
        """
        return (other.sequence, other.element) <= (self.sequence, self.element) and other.enqueued <= self.enqueued


Marks = dict[str, Mark]


class Entry(NamedTuple):
    """One line for a file: the event it came in (its sequence number and time, ms), and its origin in its lane."""

    sequence: int
    enqueued: int
    lane: str
    mark: Mark
    folder: str
    line: bytes


class Span(NamedTuple):
    """From which event to which a batch was written, and when the first was enqueued (ms since 1970)."""

    first: int
    last: int
    enqueued: int


class Ledger(BaseModel):
    """The state of one partition, as stored.

    Attributes:
        span: of the batch last begun, from the first event that held something new; None before the first batch.
        before, after: the marks without and with that batch.
        files: what that batch writes.
        abandoned: files of an earlier cut of the same events, to be deleted.
        finished: whether those files are written and these are deleted.
    """

    span: Span | None = None
    before: Marks = {}
    after: Marks = {}
    files: list[str] = []
    abandoned: list[str] = []
    finished: bool = False

    def begun_again(self, entries: Sequence[Entry]) -> bool:
        """Whether a batch holds the event that the batch of this ledger began with, and so all of it that comes again.

        That event is told by its number and its time: a hub that was created anew counts from 0 again. A batch that
        starts behind it was checkpointed by ours, which is over then; one that ends before it holds repeats alone.
        Which of two times is the later says nothing: the clock of a hub may step back.
        """
        began = self.span
        return began is not None and any(
            entry.sequence == began.first and entry.enqueued == began.enqueued for entry in entries
        )


class Step(NamedTuple):
    """One ledger to store and, after that, the files to write (path -> lines); its `abandoned` are to be deleted."""

    ledger: Ledger
    files: dict[str, list[bytes]]


def plan(ledger: Ledger, prefix: str, entries: Sequence[Entry]) -> list[Step]:
    """What to do with a batch: steps to carry out in order, none when every entry is a repeat.

    Args:
        ledger: as last stored for the partition.
        prefix: the beginning of file names, `{hub}-{partition}`.
        entries: the batch's lines, in order.
    """
    if not entries:
        return []
    if ledger.finished or ledger.span is None or not ledger.begun_again(entries):
        return _step(ledger.after, prefix, entries, [])
    last = ledger.span.last
    if entries[-1].sequence < last:
        # Cut shorter than before: the earlier files hold records that come again later, so they have to go.
        return _step(ledger.before, prefix, entries, [*ledger.files, *ledger.abandoned])
    # The earlier cut again, into the same files; then what is new.
    steps = _step(ledger.before, prefix, [entry for entry in entries if entry.sequence <= last], ledger.abandoned)
    after = steps[-1].ledger.after if steps else ledger.after
    return steps + _step(after, prefix, [entry for entry in entries if entry.sequence > last], [])


def _step(before: Marks, prefix: str, entries: Iterable[Entry], abandoned: Sequence[str]) -> list[Step]:
    after = dict(before)
    new: list[Entry] = []
    for entry in entries:
        mark = after.get(entry.lane)
        if mark is None or not mark.covers(entry.mark):
            if mark is None or mark.enqueued <= entry.mark.enqueued:
                after[entry.lane] = entry.mark
            else:
                after[entry.lane] = entry.mark._replace(enqueued=mark.enqueued)
            new.append(entry)
    if not new:
        return []
    # Named after the events from the first to the last that hold something new: a replay of the same cut has the same
    # name and bytes, and another cut never overwrites what it does not hold. The time tells apart the files of a hub
    # that was created anew, whose sequence numbers start over.
    span = Span(new[0].sequence, new[-1].sequence, new[0].enqueued)
    name = f"{prefix}-{span.first:012d}-{span.last:012d}-{span.enqueued}.jsonl"
    files: dict[str, list[bytes]] = {}
    for entry in new:
        files.setdefault(f"{entry.folder}/{name}", []).append(entry.line)
    gone = [path for path in abandoned if path not in files]
    return [Step(Ledger(span=span, before=before, after=after, files=list(files), abandoned=gone), files)]
