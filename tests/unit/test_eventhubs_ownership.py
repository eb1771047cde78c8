"""Epochs and shared receivers: who is let in, who is put out, who is refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from local.eventhubs.errors import RESOURCE_LIMIT, STOLEN, LinkFault
from local.eventhubs.ownership import MAX_SHARED_RECEIVERS, Ownership

PLACE = "hub, group, partition 0"


@dataclass(eq=False)
class Receiver:
    epoch: int | None
    ownership: Ownership
    detached: str | None = None

    def detach(self, fault: LinkFault) -> None:
        self.detached = fault.condition
        self.ownership.release(PLACE, self)


@pytest.fixture
def ownership() -> Ownership:
    return Ownership()


def enter(ownership: Ownership, epoch: int | None) -> Receiver:
    receiver = Receiver(epoch, ownership)
    ownership.claim(PLACE, receiver)
    return receiver


@pytest.mark.parametrize(("present", "epoch"), [(0, 0), (1, 5), (None, 0)])
def test_an_equal_or_higher_epoch_puts_out_all_who_are_there(
    ownership: Ownership, present: int | None, epoch: int
) -> None:
    before = [enter(ownership, present) for _ in range(1 if present is not None else 3)]
    enter(ownership, epoch)
    assert [receiver.detached for receiver in before] == [STOLEN] * len(before)


@pytest.mark.parametrize("epoch", [None, 0, 6])
def test_a_lower_epoch_or_none_is_refused(ownership: Ownership, epoch: int | None) -> None:
    owner = enter(ownership, 7)
    with pytest.raises(LinkFault) as raised:
        enter(ownership, epoch)
    assert raised.value.condition == STOLEN
    assert owner.detached is None


def test_five_share_and_a_sixth_waits_for_one_to_leave(ownership: Ownership) -> None:
    shared = [enter(ownership, None) for _ in range(MAX_SHARED_RECEIVERS)]
    with pytest.raises(LinkFault) as raised:
        enter(ownership, None)
    assert raised.value.condition == RESOURCE_LIMIT
    ownership.release(PLACE, shared[2])
    enter(ownership, None)


def test_a_place_is_free_once_its_owner_left(ownership: Ownership) -> None:
    ownership.release(PLACE, enter(ownership, 9))
    enter(ownership, None)
    assert len(ownership._receivers) == 1


def test_refusals_leave_nothing_behind(ownership: Ownership) -> None:
    ownership.release("nowhere", Receiver(None, ownership))
    assert not ownership._receivers
