"""Ctrl-C while events are on the wire: the first lets them be acknowledged, so that what is reported is exact."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator

Interrupted = Callable[[], bool]


@contextlib.contextmanager
def interruption() -> Iterator[Interrupted]:
    """Within, the first Ctrl-C only makes the yielded function true; a second one raises KeyboardInterrupt."""
    seen = False

    def remember(number: int, frame: object) -> None:
        nonlocal seen
        if seen:
            raise KeyboardInterrupt
        seen = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: seen
    finally:
        signal.signal(signal.SIGINT, before)
