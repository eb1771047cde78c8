"""Logs as `func start` prints them: `2026-11-22T09:00:00.123Z [Information] Function.split.User: message`.

One line per record, the message verbatim at its end, so a structured message can be read back from there. Which
function a record belongs to comes from a context variable that follows the invocation into its thread.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

running_function: ContextVar[str | None] = ContextVar("running_function", default=None)
"""The function whose code is running, if one is."""

_LEVELS = {
    logging.DEBUG: "Debug", logging.INFO: "Information", logging.WARNING: "Warning", logging.ERROR: "Error",
    logging.CRITICAL: "Critical",
}  # fmt: skip
_HOST = "local.functions"


def function_logger(name: str) -> logging.Logger:
    """The host's own log about a function: category `Function.NAME`."""
    return logging.getLogger(f"{_HOST}.Function.{name}")


def host_logger(part: str) -> logging.Logger:
    """The host's own log about itself: category `Host.PART`."""
    return logging.getLogger(f"{_HOST}.Host.{part}")


def category(record: logging.LogRecord) -> str:
    """The category that the real host gives a record."""
    if record.name.startswith(_HOST + "."):
        return record.name[len(_HOST) + 1 :]
    function = running_function.get()
    return f"Function.{function}.User" if function else f"Worker.{record.name}"


class HostFormatter(logging.Formatter):
    """Time in UTC with milliseconds, the host's name of the level, the category, the message."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        level = _LEVELS.get(record.levelno, record.levelname.capitalize())
        time = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
        text = f"{time} [{level}] {category(record)}: {record.getMessage()}"
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + self.formatException(record.exc_info)
        return text


class LevelFilter(logging.Filter):
    """host.json's `logging.logLevel`: the longest category that is a prefix decides; `default` for the rest."""

    def __init__(self, levels: Mapping[str, int]) -> None:
        super().__init__()
        self._levels = sorted(((name, level) for name, level in levels.items() if name != "default"), reverse=True)
        self._default = levels.get("default", logging.INFO)

    def filter(self, record: logging.LogRecord) -> bool:
        name = category(record)
        for prefix, level in self._levels:
            if name == prefix or name.startswith(prefix + "."):
                return record.levelno >= level
        return record.levelno >= self._default


def configure(levels: Mapping[str, int], sdk_level: str) -> None:
    """Send every log to stderr in the host's form; the SDKs' own loggers from `sdk_level` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HostFormatter())
    handler.addFilter(LevelFilter(levels))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(min([logging.INFO, *levels.values()]))
    # At INFO the SDKs log every request: two lines for each checkpoint.
    for name in ("azure", "asyncio"):
        logging.getLogger(name).setLevel(sdk_level)
