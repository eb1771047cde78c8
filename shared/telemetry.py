"""What an invocation did, as one JSON log line: counts, and how long ago its records entered.

Application Insights keeps it as a trace whose message parses (`parse_json(message)`); locally the host's log has it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

_LOGGER = logging.getLogger("headrace")

# Warnings of ours reach Application Insights at any level; the SDKs log every request at INFO.
for _name in ("azure", "azure.core.pipeline.policies.http_logging_policy"):
    logging.getLogger(_name).setLevel(logging.WARNING)
_LOGGER.setLevel(logging.INFO)


def invocation(stage: str, counts: Mapping[str, Any]) -> None:
    """Log one finished invocation of a stage: `{"event": "invocation", "stage": ..., ...counts}`."""
    _LOGGER.info("%s", orjson.dumps({"event": "invocation", "stage": stage, **counts}).decode())


def latencies(entered: Iterable[int], now_ms: int | None = None) -> dict[str, int]:
    """How many records are how old, in milliseconds since they entered their first hub.

    Returns:
        A histogram that adds up across invocations: keys are lower bounds, in steps of 5 ms up to
        a second, 50 ms up to ten, and so on.
    """
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    counts = Counter(_bucket(max(0, now - moment)) for moment in entered)
    return {str(bucket): count for bucket, count in sorted(counts.items())}


def _bucket(milliseconds: int) -> int:
    step: int = 5 * 10 ** max(0, len(str(milliseconds)) - 3)
    return milliseconds - milliseconds % step
