"""Which dead letters are meant: by id or the beginning of one, and since when."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tools.dead_letters.letter import DeadLetter
from tools.errors import UsageError

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"(\d+)([mhd])")


def by_id(letters: Sequence[DeadLetter], wanted: str) -> DeadLetter:
    """The letter of that id, or the only one whose id begins so.

    Raises:
        UsageError: none does, or several do.
    """
    matching = [letter for letter in letters if letter.id == wanted]
    matching = matching or [letter for letter in letters if letter.id.startswith(wanted)]
    if not matching:
        raise UsageError(f"there is no dead letter {wanted!r}: `dead-letters list` shows those there are")
    if len(matching) > 1:
        few = ", ".join(letter.id for letter in matching[:3])
        raise UsageError(f"{len(matching)} dead letters begin with {wanted!r} ({few}...): give more of the id")
    return matching[0]


def since(text: str) -> datetime:
    """A moment: an ISO 8601 date or time (UTC unless it says otherwise), or so long ago (`30m`, `2h`, `7d`)."""
    if found := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a time (2026-11-22T09:00) nor so long ago (30m, 2h, 7d)"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
