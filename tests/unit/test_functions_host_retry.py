"""Retry policies: what they accept, how long they wait, when they give up."""

from __future__ import annotations

import random
from itertools import islice

import pytest

from local.functions.retry import parse


def test_fixed_delay_waits_the_same_each_time() -> None:
    policy = parse({"strategy": "fixed_delay", "max_retry_count": "3", "delay_interval": "00:01:10"})
    assert list(islice(policy.delays(), 3)) == [70.0, 70.0, 70.0]
    assert [policy.exhausted(attempts) for attempts in range(5)] == [False, False, False, True, True]


def test_minus_one_never_gives_up() -> None:
    policy = parse({"strategy": "fixed_delay", "max_retry_count": "-1", "delay_interval": "00:00:01"})
    assert not policy.exhausted(10**9)


def test_exponential_backoff_grows_from_the_minimum_to_the_maximum() -> None:
    policy = parse({
        "strategy": "exponential_backoff", "max_retry_count": "-1", "minimum_interval": "00:00:02",
        "maximum_interval": "00:00:30",
    })  # fmt: skip
    delays = list(islice(policy.delays(random.Random(7)), 8))
    assert delays[0] == 2.0
    for exponent, delay in enumerate(delays[1:4]):
        assert 2 + 0.8 * 2**exponent * 2 <= delay <= 2 + 1.2 * 2**exponent * 2
    assert delays[5:] == [30.0, 30.0, 30.0]


def test_backoff_without_intervals_retries_at_once_and_without_end() -> None:
    policy = parse({"strategy": "exponential_backoff", "max_retry_count": "-1"})
    assert set(islice(policy.delays(), 2000)) == {0.0}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"strategy": "sometimes", "max_retry_count": "1"}, "fixed_delay or exponential_backoff"),
        ({"strategy": "fixed_delay", "max_retry_count": "many", "delay_interval": "00:00:01"}, "max_retry_count"),
        ({"strategy": "fixed_delay", "max_retry_count": "-2", "delay_interval": "00:00:01"}, "max_retry_count"),
        ({"strategy": "fixed_delay", "max_retry_count": "1"}, "delay_interval None"),
        ({"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "10"}, "HH:MM:SS"),
        ({"strategy": "fixed_delay", "max_retry_count": "1", "delay_interval": "24:00:00"}, "HH:MM:SS"),
        (
            {"strategy": "exponential_backoff", "max_retry_count": "1", "minimum_interval": "00:01:00",
             "maximum_interval": "00:00:01"},
            "longer than",
        ),
    ],
)  # fmt: skip
def test_refuses_what_the_worker_cannot_parse(settings: dict[str, str], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse(settings)
