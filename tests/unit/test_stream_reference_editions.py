"""A sequence of reference data: which blob is in effect from when on, by when it was found and what its name says."""

from __future__ import annotations

from collections.abc import Mapping

from local.stream_analytics.paths import ReferencePath
from local.stream_analytics.reference_editions import Editions
from local.stream_analytics.rows import START
from tests.unit.streams import at, clock

PATH = ReferencePath("p/{date}/{time}.json", "yyyy-MM-dd", "HH-mm")


def blob(time: str) -> str:
    return f"p/2021-10-26/{time.replace(':', '-')}.json"


def effects(editions: Editions) -> dict[str, str]:
    """By the time of its name, from when on each is in effect."""
    return {name[-10:-5].replace("-", ":"): clock(effective) for name, effective in editions.known}


def scanned(
    *times: str, now: str, editions: Editions | None = None, written: Mapping[str, str] | None = None
) -> Editions:
    """A look at what there is, which was written just then, unless `written` says when."""
    starting = editions is None
    editions = editions or Editions(PATH)
    there = {blob(time): at((written or {}).get(time, now)) for time in times}
    editions.scan(there, at(now), starting=starting)
    return editions


def test_a_job_that_starts_takes_each_at_its_word() -> None:
    editions = scanned("10:00", "09:00", "11:00", now="10:30:00")
    assert effects(editions) == {"09:00": "09:00:00", "10:00": "10:00:00", "11:00": "11:00:00"}
    newest = editions.newest(at("10:30:00"))
    assert newest is not None
    assert newest.name == blob("10:00")


def test_one_that_is_there_before_its_time_is_in_effect_from_then_on_and_a_late_one_from_when_it_was_found() -> None:
    """The page: a blob of 17:30 that is produced at 22:03 is used from 22:03 on."""
    editions = scanned("09:00", now="09:30:00")
    scanned("09:00", "11:00", now="10:00:00", editions=editions)
    scanned("09:00", "11:00", "17:30", now="22:03:00", editions=editions)
    assert effects(editions) == {"09:00": "09:00:00", "11:00": "11:00:00", "17:30": "22:03:00"}


def test_a_job_that_was_held_up_takes_what_was_written_in_time_at_its_word() -> None:
    editions = scanned("09:00", now="09:30:00")
    written = {"10:00": "09:59:00", "11:00": "11:00:00"}
    scanned("09:00", "10:00", "11:00", now="12:30:00", editions=editions, written=written)
    assert effects(editions) == {"09:00": "09:00:00", "10:00": "10:00:00", "11:00": "11:00:00"}


def test_what_was_written_in_time_counts_although_a_later_one_was_reached_before_the_job_looked() -> None:
    editions = scanned("09:00", "12:00", now="09:30:00")
    scanned("09:00", "10:00", "12:00", now="12:30:00", editions=editions, written={"10:00": "09:58:00"})
    assert effects(editions) == {"09:00": "09:00:00", "10:00": "10:00:00", "12:00": "12:00:00"}
    editions.forget(at("12:00:00"))
    scanned("09:00", "10:00", "12:00", now="12:31:00", editions=editions, written={"10:00": "09:58:00"})
    assert effects(editions) == {"12:00": "12:00:00"}


def test_a_late_one_is_not_in_effect_after_a_later_one_that_was_in_time() -> None:
    editions = scanned("09:00", now="09:30:00")
    written = {"10:00": "10:25:00", "10:30": "10:29:00"}
    scanned("09:00", "10:00", "10:30", now="12:00:00", editions=editions, written=written)
    assert effects(editions) == {"09:00": "09:00:00", "10:30": "10:30:00"}


def test_what_is_earlier_than_the_last_that_was_reached_is_ignored() -> None:
    """The page: once 17:30 was found, a 17:25 that arrives late is not used."""
    editions = scanned("17:30", now="17:31:00")
    scanned("17:25", "17:30", now="17:32:00", editions=editions)
    assert effects(editions) == {"17:30": "17:30:00"}


def test_one_whose_time_has_not_come_does_not_hide_earlier_ones() -> None:
    editions = scanned("09:00", "23:00", now="09:30:00")
    scanned("09:00", "12:00", "23:00", now="10:00:00", editions=editions)
    assert effects(editions) == {"09:00": "09:00:00", "12:00": "12:00:00", "23:00": "23:00:00"}


def test_of_two_that_are_found_late_at_once_the_later_is_in_effect() -> None:
    editions = scanned("09:00", now="09:30:00")
    scanned("09:00", "10:00", "10:30", now="10:40:00", editions=editions)
    assert effects(editions) == {"09:00": "09:00:00", "10:30": "10:40:00"}


def test_a_run_after_another_keeps_what_that_found_and_when() -> None:
    before = scanned("09:00", now="09:30:00")
    scanned("09:00", "10:00", now="10:40:00", editions=before)
    after = Editions(PATH, before.known)
    after.scan({blob(time): at("11:29:00") for time in ("09:00", "10:00", "10:50")}, at("11:30:00"), starting=True)
    assert effects(after) == {"09:00": "09:00:00", "10:00": "10:40:00", "10:50": "10:50:00"}


def test_names_of_another_path_are_not_kept() -> None:
    editions = Editions(ReferencePath("q/{date}.json"), [(blob("09:00"), at("09:00:00"))])
    assert editions.known == ()


def test_what_rows_meet_is_read_and_no_more() -> None:
    editions = scanned("09:00", "10:00", "11:00", "12:00", now="12:30:00")
    editions.forget(at("10:30:00"))
    assert [edition.name for edition in editions.unread(at("11:15:00"))] == [blob("10:00"), blob("11:00")]
    for edition in editions.unread(at("11:15:00")):
        editions.note_read(edition)
    assert editions.unread(at("11:59:59")) == []
    editions.forget(at("11:00:00"))
    assert effects(editions) == {"11:00": "11:00:00", "12:00": "12:00:00"}


def test_rows_from_before_the_first_meet_the_first() -> None:
    editions = scanned("09:00", "10:00", now="12:30:00")
    first = editions.at(START)
    assert first is not None
    assert first.name == blob("09:00")
    assert editions.unread(at("08:00:00")) == [first]
    editions.forget(at("08:00:00"))
    assert len(editions.known) == 2


def test_what_cannot_be_used_is_found_again_until_there_is_a_later_one() -> None:
    editions = scanned("09:00", "10:00", now="10:30:00")
    broken = editions.newest(at("10:30:00"))
    assert broken is not None
    editions.drop(broken)
    assert effects(editions) == {"09:00": "09:00:00"}
    scanned("09:00", "10:00", now="10:31:00", editions=editions)
    assert effects(editions) == {"09:00": "09:00:00", "10:00": "10:31:00"}
    editions.drop(next(edition for edition in editions.unread(at("23:00:00")) if edition.name == broken.name))
    scanned("09:00", "10:00", "10:32", now="10:33:00", editions=editions)
    scanned("09:00", "10:00", "10:32", now="10:34:00", editions=editions)
    assert effects(editions) == {"09:00": "09:00:00", "10:32": "10:33:00"}


def test_what_is_gone_before_it_was_read_is_said_and_what_was_read_stays() -> None:
    editions = scanned("09:00", "10:00", now="10:30:00")
    first = editions.at(at("09:00:00"))
    assert first is not None
    editions.note_read(first)
    assert editions.scan({}, at("10:31:00")) == [blob("10:00")]
    assert effects(editions) == {"09:00": "09:00:00"}
