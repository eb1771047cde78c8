"""Retry policies: how often the same batch is tried again, and how long to wait in between.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages#retry-policies
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, repeat

RANDOMIZATION = 0.2
"""Each increment varies by up to a fifth (RandomizedExponentialBackoffStrategy of the WebJobs SDK)."""

LONGEST = 2147483647.0
"""An exponential policy without a maximum, in seconds: the worker's default (int32)."""

FOREVER = -1

# The worker parses with strptime("%H:%M:%S"): a day or more cannot be written.
_INTERVAL = re.compile(r"([01]?\d|2[0-3]):([0-5]?\d):([0-5]?\d)")


@dataclass(frozen=True)
class RetryPolicy:
    """`fixed_delay` waits `minimum` each time; `exponential_backoff` grows from it to `maximum`. Seconds."""

    strategy: str
    max_retry_count: int
    minimum: float
    maximum: float

    def exhausted(self, attempts: int) -> bool:
        """Whether `attempts` retries are all that the policy allows."""
        return self.max_retry_count != FOREVER and attempts >= self.max_retry_count

    def delays(self, generator: random.Random | None = None) -> Iterator[float]:
        """Seconds to wait before the first retry, the second, ...; without an end."""
        if self.strategy == "fixed_delay" or not self.minimum:
            return repeat(self.minimum)
        return self._backoff(generator or random.Random())

    def _backoff(self, generator: random.Random) -> Iterator[float]:
        for exponent in count():
            delay = self.minimum
            if exponent:
                spread = generator.uniform(1 - RANDOMIZATION, 1 + RANDOMIZATION)
                delay += spread * 2 ** (exponent - 1) * self.minimum
            if delay >= self.maximum:
                break
            yield delay
        yield from repeat(self.maximum)


def parse(settings: Mapping[str, object]) -> RetryPolicy:
    """The policy of a `retry` decorator, whose settings are strings.

    Raises:
        ValueError: what is wrong with it and what to write instead.
    """
    strategy = settings.get("strategy")
    if strategy not in ("fixed_delay", "exponential_backoff"):
        raise ValueError(f"retry strategy {strategy!r}: write fixed_delay or exponential_backoff")
    try:
        retries = int(str(settings.get("max_retry_count")))
    except ValueError:
        retries = FOREVER - 1
    if retries < FOREVER:
        raise ValueError(
            f'retry max_retry_count {settings.get("max_retry_count")!r}: write a number as a string, "-1" for no limit'
        )
    if strategy == "fixed_delay":
        delay = _interval("delay_interval", settings.get("delay_interval"))
        return RetryPolicy(strategy, retries, delay, delay)
    minimum, maximum = settings.get("minimum_interval"), settings.get("maximum_interval")
    shortest = _interval("minimum_interval", minimum) if minimum else 0.0
    longest = _interval("maximum_interval", maximum) if maximum else LONGEST
    if shortest > longest:
        raise ValueError(f"retry minimum_interval {minimum!r} is longer than maximum_interval {maximum!r}")
    return RetryPolicy(strategy, retries, shortest, longest)


def _interval(name: str, text: object) -> float:
    match = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'retry {name} {text!r}: write HH:MM:SS below 24 hours, such as "00:00:10"')
    return float(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]))
