"""Time spans as .NET writes them, which host.json, retry policies and timers share."""

from __future__ import annotations

import re

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):([0-5]?\d):([0-5]?\d)(\.\d{1,7})?")


def parse_timespan(text: object) -> float:
    """Seconds of `HH:MM:SS` (with days as `D.HH:MM:SS`, and a fraction).

    >>> parse_timespan("00:01:30")
    90.0

    Raises:
        ValueError: it is not a time span; the message says what one looks like.
    """
    match = _TIMESPAN.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[2]) > 23:
        raise ValueError(f"expected a time span HH:MM:SS such as 00:00:10, got {text!r}")
    days, hours, minutes, seconds, fraction = match.groups()
    return int(days or 0) * 86400.0 + int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(fraction or 0)


def format_timespan(seconds: float) -> str:
    """`HH:MM:SS` with a fraction of seven digits when there is one, as .NET prints a TimeSpan."""
    whole, ticks = divmod(round(seconds * 10_000_000), 10_000_000)
    days, rest = divmod(whole, 86400)
    text = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return (f"{days}." if days else "") + text + (f".{ticks:07}" if ticks else "")
