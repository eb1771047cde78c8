"""Where files go in the Data Lake: `{date}/{time}` and how each is written.

https://learn.microsoft.com/azure/stream-analytics/blob-storage-azure-data-lake-gen2-output
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_TOKEN = re.compile(r"\{([^{}]*)\}")
_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M"}
_DATE = re.compile(r"(yyyy|MM|dd)([/-](?!$)(yyyy|MM|dd))*")
_TIME = re.compile(r"HH([/-]mm)?")


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
        if any(part in ("", ".", "..") for part in pattern.split("/")) or "\\" in pattern:
            raise ValueError(f"pathPattern: {pattern!r} is no path of a file system: no /, . or .. where a name stands")
        if not _DATE.fullmatch(date_format):
            raise ValueError(f"dateFormat: {date_format!r} is not of yyyy, MM and dd, with / or - between")
        if not _TIME.fullmatch(time_format):
            raise ValueError(f"timeFormat: {time_format!r} is not HH, HH/mm or HH-mm")
        self._pattern = pattern
        self._formats = {"date": _strftime(date_format), "time": _strftime(time_format)}

    def folder(self, moment: float) -> str:
        """The folder of what is written at `moment` (seconds since 1970), in UTC."""
        time = datetime.fromtimestamp(moment, UTC)
        return _TOKEN.sub(lambda variable: time.strftime(self._formats[variable[1]]), self._pattern)


def _strftime(text: str) -> str:
    for part, directive in _PARTS.items():
        text = text.replace(part, directive)
    return text
