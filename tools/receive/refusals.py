"""Notices that a hub refused to open a link: azure-eventhub logs it, and otherwise keeps trying without a word.

Its consumer takes an error before the first successful open for its own closing (`if not consumer.running: return`,
seen in 5.15.1), so `on_error` never hears of a consumer group that does not exist, or that has its five readers.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

_LOGGER = "azure.eventhub._pyamqp.aio._link_async"
_MESSAGE = "Cannot get source or target"


class _Listener(logging.Handler):
    def __init__(self, on_refusal: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._on_refusal = on_refusal

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith(_MESSAGE):
            self._on_refusal()


@contextlib.contextmanager
def refusals(on_refusal: Callable[[], None]) -> Iterator[None]:
    """Within, call `on_refusal` for each link that is refused."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    listener = _Listener(on_refusal)
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.removeHandler(listener)
