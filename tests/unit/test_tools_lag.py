"""How far a consumer group is behind: what a partition holds against what the group has checkpointed."""

from __future__ import annotations

from typing import Any

import pytest

from tools.topology.lag import Lag, PartitionEnds, checkpoints, prefix


def properties(first: int, last: int, *, empty: bool = False) -> dict[str, Any]:
    """What the SDK says of a partition."""
    return {"beginning_sequence_number": first, "last_enqueued_sequence_number": last, "is_empty": empty}


@pytest.mark.parametrize(
    ("held", "checkpoint", "behind", "expired", "ahead"),
    [
        (properties(0, 9), 9, 0, 0, False),
        (properties(0, 9), 4, 5, 0, False),
        (properties(0, 9), None, 10, 0, False),
        (properties(100, 109), 99, 10, 0, False),
        (properties(100, 109), 89, 10, 10, False),  # ten events went before they were read
        (properties(100, 109), None, 10, 0, False),
        (properties(0, -1, empty=True), None, 0, 0, False),  # nothing was ever sent
        (properties(0, 49, empty=True), 49, 0, 0, False),  # all of it was read, and has expired
        (properties(0, 49, empty=True), 39, 0, 10, False),
        (properties(0, 9), 500, 0, 0, True),  # the hub was deleted and created anew
    ],
)
def test_what_is_left_is_what_came_after_the_checkpoint_and_is_still_there(
    held: dict[str, Any], checkpoint: int | None, behind: int, expired: int, ahead: bool
) -> None:
    lag = Lag("0", PartitionEnds.of(held), checkpoint)
    assert (lag.behind, lag.expired, lag.ahead) == (behind, expired, ahead)


def test_a_checkpoint_is_found_however_its_metadata_is_spelt_and_what_is_none_is_left_out() -> None:
    where = prefix("localhost:5672", "Dead-Letters", "Store_Dead_Letters")
    assert where == "localhost:5672/dead-letters/store_dead_letters/checkpoint/"
    blobs: list[tuple[str, dict[str, str] | None]] = [
        (f"{where}0", {"sequencenumber": "41", "offset": "41"}),
        (f"{where}1", {"SequenceNumber": "7"}),
        (f"{where}2", {"offset": "41"}),
        (f"{where}3", None),
        (f"{where}4", {"sequencenumber": "null"}),
    ]
    assert checkpoints(blobs) == {f"{where}0": 41, f"{where}1": 7}
