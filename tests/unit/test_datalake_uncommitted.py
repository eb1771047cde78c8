"""Which appends a flush commits."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.datalake.errors import Refused
from local.datalake.uncommitted import InMemory, Staged, Uncommitted


@given(st.binary(min_size=1, max_size=60), st.sets(st.integers(1, 59), max_size=6), st.randoms(), st.integers(0, 100))
def test_pieces_in_any_order_make_the_content(
    content: bytes, cuts: set[int], shuffle: random.Random, start: int
) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    pieces = [(a, content[a:b]) for a, b in itertools.pairwise(bounds)]
    shuffle.shuffle(pieces)
    uncommitted = Uncommitted()
    for at, piece in [*pieces, *pieces]:  # every append retried
        uncommitted.add(start + at, InMemory(piece))
    found = uncommitted.between(start, start + len(content))
    assert b"".join(piece.content for piece in found if isinstance(piece, InMemory)) == content
    assert uncommitted.bytes_in_memory == len(content)


@given(st.dictionaries(st.integers(0, 20), st.integers(1, 8), max_size=6), st.integers(0, 20), st.integers(0, 30))
def test_what_is_found_is_contiguous_and_ends_at_the_position_or_nothing_is(
    lengths: dict[int, int], start: int, end: int
) -> None:
    uncommitted = Uncommitted()
    for at, length in lengths.items():
        uncommitted.add(at, Staged(f"block {at}", length))
    reached = start
    while reached < end and reached in lengths:
        reached += lengths[reached]
    if reached == end:
        assert start + sum(piece.length for piece in uncommitted.between(start, end)) == end
    else:
        with pytest.raises(Refused, match="400 InvalidFlushPosition"):
            uncommitted.between(start, end)


def test_a_flush_that_retains_keeps_what_lies_behind() -> None:
    uncommitted = Uncommitted()
    uncommitted.add(0, InMemory(b"abc"))
    uncommitted.add(3, InMemory(b"d"))
    uncommitted.forget_before(3)
    assert uncommitted.between(3, 4) == [InMemory(b"d")]
    uncommitted.forget_before(None)
    assert not uncommitted
