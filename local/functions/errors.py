"""The errors of the host; each says what was wrong, where, and what to do.

HostError
├── SettingsError    a setting is missing, is not a string, or does not resolve
├── HostJsonError    host.json has a key or a value that the host does not take
├── AppImportError   function_app.py, or something that it imports, raised
├── IndexingError    the worker would refuse to index the app; `problems` has one line per finding
└── WorkerError      the worker ends again and again, or came back with other functions

They come before anything runs; the last three may also come later, of a worker that takes the place of one that ended.
Of an invocation there are two more, in its outcome and in the log:

FunctionTimeoutError    an asynchronous function was cancelled, or the worker that ran a synchronous one was ended
WorkerLostError         the worker ended while it ran the function: no failure of the function, it is called again
"""

from __future__ import annotations

from collections.abc import Sequence

from local.functions.timespan import format_timespan


class HostError(Exception):
    """Why the host did not start, or ended."""

    trace = ""
    """Of the exception behind it, when that was raised in the worker."""


class SettingsError(HostError):
    """A setting is missing, is not a string, or does not resolve."""


class HostJsonError(HostError):
    """host.json has a key or a value that the host does not take."""


class AppImportError(HostError):
    """Importing the app raised; the cause is chained."""


class IndexingError(HostError):
    """The worker would refuse to index this app."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class WorkerError(HostError):
    """The worker ends again and again, or came back with other functions."""


class FunctionTimeoutError(Exception):
    """A function ran longer than host.json's functionTimeout (`seconds`)."""

    def __init__(self, seconds: float, function: str, invocation_id: str) -> None:
        super().__init__(
            f"Timeout value of {format_timespan(seconds)} exceeded by function 'Functions.{function}' "
            f"(Id: '{invocation_id}')."
        )


class WorkerLostError(Exception):
    """The worker ended while it ran a function."""
