"""What has been written to files from one partition: how a replay is recognised, however its batches are cut.

Two things repeat under at-least-once delivery. A stage upstream that runs twice puts the same records on the hub again;
and our own invocation runs again when it, or its checkpoint, did not finish. Both are told by where records first
entered: those that came from one partition of one hub by one way (a *lane*) stand in a hub's partition in the order of
their origins, for stages keep order, and stop rather than leave a gap. So what is at or below the highest origin seen
in its lane is a repeat, as in Kafka's idempotent producer.

The ledger of a partition is one small blob, replaced (with If-Match) before the files of each batch are written. It
holds the marks before and after that batch, its range of sequence numbers, and the files it is writing.
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
    """One line for a file: the `sequence` of the event it came in on the hub consumed, and its origin in its lane."""

    sequence: int
    lane: str
    mark: Mark
    folder: str
    line: bytes


class Span(NamedTuple):
    """The events of one batch on the hub consumed: first and last sequence number, and when the first was enqueued."""

    first: int
    last: int
    first_enqueued: int


class Ledger(BaseModel):
    """The state of one partition, as stored.

    Attributes:
        span: of the batch last begun; None before the first.
        before, after: the marks without and with that batch.
        files: what that batch writes.
        abandoned: files of an earlier cut of the same events, to be deleted.
    """

    span: Span | None = None
    before: Marks = {}
    after: Marks = {}
    files: list[str] = []
    abandoned: list[str] = []

    def replays(self, span: Span) -> bool:
        """Whether a batch that starts like `span` begins again what this ledger began.

        A batch that starts within our span, not at or before its beginning, was checkpointed by ours: it is over.
        """
        return (
            self.span is not None and span.first <= self.span.first and span.first_enqueued <= self.span.first_enqueued
        )


class Step(NamedTuple):
    """One ledger to store and, after that, the files to write (path -> lines) and those to delete."""

    ledger: Ledger
    files: dict[str, list[bytes]]


def plan(
    ledger: Ledger, *, finished: bool, prefix: str, events: Sequence[tuple[int, int]], entries: Sequence[Entry]
) -> list[Step]:
    """What to do with a batch: steps to carry out in order, none when every entry is a repeat.

    Args:
        ledger: as last stored for the partition.
        finished: whether the batch it describes is known to have been written whole.
        prefix: the beginning of file names, `{hub}-{partition}`.
        events: sequence number and enqueued time of each event of the batch, in order.
        entries: the lines they hold, in order.
    """
    span = _span(events)
    if finished or not ledger.replays(span):
        return _step(ledger.after, prefix, span, entries, [])
    assert ledger.span is not None
    if span.last < ledger.span.last:
        # Cut shorter than before: the earlier files hold records that come again later, so they have to go.
        return _step(ledger.before, prefix, span, entries, [*ledger.files, *ledger.abandoned])
    # The earlier cut again, into the same files; then what is new.
    again = [entry for entry in entries if entry.sequence <= ledger.span.last]
    steps = _step(ledger.before, prefix, ledger.span, again, ledger.abandoned)
    if span.last > ledger.span.last:
        rest = _span([event for event in events if event[0] > ledger.span.last])
        new = [entry for entry in entries if entry.sequence > ledger.span.last]
        steps += _step(steps[-1].ledger.after if steps else ledger.after, prefix, rest, new, [])
    return steps


def _span(events: Sequence[tuple[int, int]]) -> Span:
    (first, first_enqueued), (last, _) = events[0], events[-1]
    return Span(first, last, first_enqueued)


def _step(before: Marks, prefix: str, span: Span, entries: Iterable[Entry], abandoned: Sequence[str]) -> list[Step]:
    after = dict(before)
    files: dict[str, list[bytes]] = {}
    # The time tells apart the files of a hub that was created anew, whose sequence numbers start over.
    name = f"{prefix}-{span.first:012d}-{span.first_enqueued}.jsonl"
    for entry in entries:
        mark = after.get(entry.lane)
        if mark is None or not mark.covers(entry.mark):
            newest = entry.mark.enqueued if mark is None else max(mark.enqueued, entry.mark.enqueued)
            after[entry.lane] = entry.mark._replace(enqueued=newest)
            files.setdefault(f"{entry.folder}/{name}", []).append(entry.line)
    gone = [path for path in abandoned if path not in files]
    if not files and not gone:
        return []
    return [Step(Ledger(span=span, before=before, after=after, files=list(files), abandoned=gone), files)]
