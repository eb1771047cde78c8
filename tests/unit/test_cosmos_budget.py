"""Request units: the published figures, and the budget's arithmetic under a clock of the test's own."""

from __future__ import annotations

import pytest

from local.cosmos import charges
from local.cosmos.charges import PATCH_OPERATION, Budget, create_charge, feed_charge, read_charge, replace_charge
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


# https://learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption
@pytest.mark.parametrize(
    ("kilobytes", "read", "write"),
    [(1, 1.00, 4.95), (2, 1.04, 6.29), (16, 1.67, 9.52), (128, 9.95, 48.19), (1024, 145.9, 625.0), (2048, 291.8, 1250)],
)
def test_the_documented_charges_by_size(kilobytes: int, read: float, write: float) -> None:
    assert read_charge(kilobytes * 1024) == pytest.approx(read)
    assert create_charge(kilobytes * 1024, 0) == pytest.approx(write)


def test_the_documented_examples_of_writes() -> None:
    # Their 5.0 is the table's 4.95.
    assert create_charge(1024, 10) == pytest.approx(7.0, abs=0.1)
    assert replace_charge(1024, 1024, 4) == pytest.approx(10.8, abs=0.15)
    assert replace_charge(1024, 1024, 4) + 2 * PATCH_OPERATION == pytest.approx(11.6, abs=0.15)


def test_a_charge_grows_with_every_byte_and_starts_at_1_kb() -> None:
    assert read_charge(0) == read_charge(1024) == 1.0
    charges = [read_charge(size) for size in range(1024, 3 * 1024 * 1024, 5000)]
    assert charges == sorted(charges)
    assert 7.0 < read_charge(100 * 1024) < 10.0


def test_a_feed_costs_as_much_as_reading_its_documents() -> None:
    assert feed_charge([1024] * 5) == pytest.approx(5.0)
    assert feed_charge([]) == 1.0


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
