"""Which blobs of a sequence of reference data there are, and from when on each is in effect. Pure.

A name says a time. A blob that was written by then is in effect from then on, however late a job that was held up
looks. One that was written later is so from when it is found, unless the job is just starting: then it may have to
process what happened long ago. If its time is before that of the last that was reached, it is never looked at.
https://learn.microsoft.com/azure/stream-analytics/stream-analytics-use-reference-data#generate-reference-data-on-a-schedule
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from local.sql.asa.values import DateTime
from local.stream_analytics.events import ticks
from local.stream_analytics.paths import ReferencePath


@dataclass(frozen=True)
class Edition:
    """One blob: the time that its name says, and from when on rows are joined with it."""

    name: str
    said: DateTime
    effective: DateTime


class Editions:
    """The sequence of one input, as far as it is known.

    Args:
        path: what the names are like.
        kept: of an earlier run of the job: by name, from when on each is in effect.
    """

    def __init__(self, path: ReferencePath, kept: Iterable[tuple[str, DateTime]] = ()) -> None:
        self._path = path
        self._read: set[str] = set()
        self._known: list[Edition] = []
        self._order(
            Edition(name, ticks(moment), effective) for name, effective in kept if (moment := path.moment(name))
        )

    @property
    def known(self) -> tuple[tuple[str, DateTime], ...]:
        """What the next run is to be given as `kept`."""
        return tuple((edition.name, edition.effective) for edition in self._known)

    def scan(self, written: Mapping[str, DateTime], now: DateTime, *, starting: bool = False) -> list[str]:
        """Take what there is in the store, and when it was written; give what was to be read yet, and is gone."""
        listed = {name: ticks(moment) for name in written if (moment := self._path.moment(name))}
        kept = [edition for edition in self._known if edition.name in listed or edition.name in self._read]
        gone = [edition.name for edition in self._known if edition not in kept]
        reached = [edition.said for edition in kept if edition.said <= now]
        found = []
        for name in listed.keys() - {edition.name for edition in kept}:
            said, in_time = listed[name], written[name] <= listed[name]
            if not reached or said > reached[0 if in_time else -1]:
                found.append(Edition(name, said, said if in_time or starting else max(said, now)))
        self._order([*kept, *found])
        return gone

    def newest(self, now: DateTime) -> Edition | None:
        """The last whose time has come."""
        return next((edition for edition in reversed(self._known) if edition.said <= now), None)

    def at(self, time: DateTime) -> Edition | None:
        """The one in effect; the first, before its time."""
        found = next((edition for edition in reversed(self._known) if edition.effective <= time), None)
        return found or next(iter(self._known), None)

    def unread(self, until: DateTime) -> list[Edition]:
        """What is to be read before rows of up to `until` are joined, in order."""
        met = [edition for edition in self._known if edition.effective <= until] or self._known[:1]
        return [edition for edition in met if edition.name not in self._read]

    def is_read(self, edition: Edition) -> bool:
        """Whether it was read, and can be used."""
        return edition.name in self._read

    def note_read(self, edition: Edition) -> None:
        """It was read."""
        self._read.add(edition.name)

    def drop(self, edition: Edition) -> None:
        """It cannot be used: what was in effect before it stays so. If the next scan finds it again, it is new."""
        self._known.remove(edition)

    def forget(self, before: DateTime) -> None:
        """Let go of what is in effect at no time from `before` on."""
        current = self.at(before)
        if current is not None:
            self._known = self._known[self._known.index(current) :]
            self._read &= {edition.name for edition in self._known}

    def _order(self, editions: Iterable[Edition]) -> None:
        """In order of time, less those that would only be in effect once a later one is."""
        latest_first: list[Edition] = []
        for edition in sorted(editions, key=lambda edition: edition.said, reverse=True):
            if not latest_first or edition.effective < latest_first[-1].effective:
                latest_first.append(edition)
        self._known = latest_first[::-1]
