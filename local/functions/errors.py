"""The errors of the host; each says what was wrong, where, and what to do.

HostError
├── SettingsError    a setting is missing, is not a string, or does not resolve
├── HostJsonError    host.json has a key or a value that the host does not take
├── AppImportError   function_app.py, or something that it imports, raised
└── IndexingError    the worker would refuse to index the app; `problems` has one line per finding

All of these come before anything runs. Of an invocation there is one more, which is in its outcome and in the log:

FunctionTimeoutError
"""

from __future__ import annotations

from collections.abc import Sequence


class HostError(Exception):
    """Why the host did not start."""


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


class FunctionTimeoutError(Exception):
    """An asynchronous function ran longer than host.json's functionTimeout, and was cancelled."""
