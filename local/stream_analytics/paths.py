"""Where files go in the Data Lake, and where reference data is: paths with {date} and {time}, and how each is written.

https://learn.microsoft.com/azure/stream-analytics/blob-storage-azure-data-lake-gen2-output
https://learn.microsoft.com/azure/stream-analytics/stream-analytics-use-reference-data
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

_TOKEN = re.compile(r"\{([^{}]*)\}")
_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M"}
_DATE = re.compile(r"(yyyy|MM|dd)([/-](?!$)(yyyy|MM|dd))*")
_TIME = re.compile(r"HH([/-]mm)?")
_DAY: Final = {"yyyy", "MM", "dd"}


class PathPattern:
    """A path with the variables {date} and {time}: both, as write mode Once asks for.

    Args:
        pattern: such as `logs/{date}/{time}`.
        date_format: of yyyy, MM and dd, with / or - between.
        time_format: HH, HH/mm or HH-mm.

    Raises:
        ValueError: not such a path, or not such a format.
    """

    def __init__(self, pattern: str, date_format: str, time_format: str) -> None:
        variables = _TOKEN.findall(pattern)
        if sorted(variables) != ["date", "time"]:
            raise ValueError(f"pathPattern: {pattern!r} has to have {{date}} and {{time}}, once each, and no others")
        self._formats = _formats(pattern, date_format, time_format)
        self._pattern = pattern

    def folder(self, moment: float) -> str:
        """The folder of what is written at `moment` (seconds since 1970), in UTC."""
        time = datetime.fromtimestamp(moment, UTC)
        return _TOKEN.sub(lambda variable: time.strftime(self._formats[variable[1]]), self._pattern)


class ReferencePath:
    """The path of a blob, or of a sequence of them: with {date}, or {date} and {time}, that say from when each holds.

    Args:
        pattern: such as `cities.json` or `cities/{date}/{time}.json`.
        date_format: of yyyy, MM and dd, each once, with / or - between.
        time_format: HH, HH/mm or HH-mm.

    Raises:
        ValueError: not such a path, or not such a format.
    """

    def __init__(self, pattern: str, date_format: str = "yyyy/MM/dd", time_format: str = "HH") -> None:
        variables = set(_TOKEN.findall(pattern))
        if not variables <= {"date", "time"} or variables == {"time"}:
            raise ValueError(f"pathPattern: {pattern!r} has to have no variable, {{date}}, or {{date}} and {{time}}")
        formats = _formats(pattern, date_format, time_format)
        if sorted(re.split("[/-]", date_format)) != sorted(_DAY):
            raise ValueError(f"dateFormat: {date_format!r} is no day: it has to have yyyy, MM and dd, each once")
        self.pattern = pattern
        self.static = not variables
        """Whether it is one blob, which stands still."""
        self.prefix = pattern.split("{", 1)[0]
        """What the names of all of them begin with."""
        self._formats = {name: formats[name] for name in sorted(variables)}
        self._names = _names(pattern, {"date": date_format, "time": time_format})

    def moment(self, name: str) -> datetime | None:
        """From when on a blob is in effect, in UTC, by its name; None when it is none of the sequence."""
        found = self._names.fullmatch(name)
        if found is None or self.static:
            return None
        written = " ".join(found[name] for name in self._formats)
        try:
            return datetime.strptime(written, " ".join(self._formats.values())).replace(tzinfo=UTC)
        except ValueError:  # the 31st of a month that has none
            return None


def _names(pattern: str, formats: dict[str, str]) -> re.Pattern[str]:
    """What matches the names, with what each variable stands for as a group; a variable may stand there twice."""
    parts, seen = [], set()
    for number, part in enumerate(_TOKEN.split(pattern)):
        if number % 2 == 0:
            parts.append(re.escape(part))
        elif part in seen:
            parts.append(f"(?P={part})")
        else:
            seen.add(part)
            digits = re.sub("[A-Za-z]", "[0-9]", formats[part])
            parts.append(f"(?P<{part}>{digits})")
    return re.compile("".join(parts))


def _formats(pattern: str, date_format: str, time_format: str) -> dict[str, str]:
    """How each variable is written, for strftime, once all of it is known to be right."""
    if any(part in ("", ".", "..") for part in pattern.split("/")) or "\\" in pattern:
        raise ValueError(f"pathPattern: {pattern!r} is no path of a file system: no /, . or .. where a name stands")
    if not _DATE.fullmatch(date_format):
        raise ValueError(f"dateFormat: {date_format!r} is not of yyyy, MM and dd, with / or - between")
    if not _TIME.fullmatch(time_format):
        raise ValueError(f"timeFormat: {time_format!r} is not HH, HH/mm or HH-mm")
    return {"date": _strftime(date_format), "time": _strftime(time_format)}


def _strftime(text: str) -> str:
    for part, directive in _PARTS.items():
        text = text.replace(part, directive)
    return text
