"""One service per test process. A fixture that modules import by name is another fixture in each of them, whatever its
scope: pytest would start the service for each module, and keep all of them until the last test has run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_RUNNING = pytest.StashKey[dict[type[Any], Any]]()


def once(config: pytest.Config, kind: type[T], start: Callable[[], AbstractContextManager[T]]) -> T:
    """The `kind` of this process: started for the first who asks, stopped when pytest ends."""
    running = config.stash.setdefault(_RUNNING, {})
    if kind not in running:
        stack = ExitStack()
        config.add_cleanup(stack.close)
        running[kind] = stack.enter_context(start())
    found: T = running[kind]
    return found
