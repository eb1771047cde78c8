"""Request units: the proportions of the estimate, and the budget's arithmetic under a clock of the test's own."""

from __future__ import annotations

import pytest

from local.cosmos import charges
from local.cosmos.charges import Budget, read_charge, write_charge
from local.cosmos.errors import TooManyRequests


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(charges, "time", clock)
    return clock


def test_the_documented_proportions() -> None:
    assert read_charge(1000) == 1.0
    assert read_charge(100 * 1024) == pytest.approx(10, rel=0.05)
    assert write_charge(100 * 1024) == pytest.approx(50, rel=0.05)


def test_without_a_budget_everything_passes(clock: Clock) -> None:
    budget = Budget(None)
    budget.spend(1e9)
    budget.admit()


def test_a_request_may_overdraw_and_the_next_waits_until_the_debt_is_paid(clock: Clock) -> None:
    budget = Budget(100)
    budget.admit()
    budget.spend(350)
    with pytest.raises(TooManyRequests) as refused:
        budget.admit()
    wait = int(refused.value.headers["x-ms-retry-after-ms"]) / 1000
    assert wait == pytest.approx(2.5, abs=0.01)
    clock.now += wait - 0.1
    with pytest.raises(TooManyRequests):
        budget.admit()
    clock.now += 0.11
    budget.admit()


def test_what_is_not_spent_in_a_second_is_not_saved(clock: Clock) -> None:
    budget = Budget(100)
    clock.now += 3600
    budget.admit()
    budget.spend(150)
    with pytest.raises(TooManyRequests):
        budget.admit()
