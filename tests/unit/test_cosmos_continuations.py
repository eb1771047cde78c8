"""Continuation tokens as data: what goes in comes out, and nothing else is taken for one."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.cosmos import continuations
from local.cosmos.continuations import OrderPosition, Position, ScanPosition, WholePosition
from local.cosmos.errors import BadRequest
from local.sql.cosmos.values import UNDEFINED

COUNTS = st.integers(0, 2**62)
LIMITS = st.none() | COUNTS
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FLOATS | st.text(max_size=20),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=5), part, max_size=3),
    max_leaves=8,
)
POSITIONS: st.SearchStrategy[Position] = st.one_of(
    st.builds(ScanPosition, COUNTS, COUNTS, COUNTS, LIMITS),
    st.builds(OrderPosition, COUNTS, COUNTS, LIMITS, st.none() | st.lists(st.lists(JSON, max_size=1)), COUNTS, COUNTS),
    st.builds(WholePosition, COUNTS, COUNTS, st.text()),
)


@given(POSITIONS, st.binary())
def test_what_goes_in_comes_out(position: Position, request: bytes) -> None:
    assert continuations.decode(continuations.encode(position, request), request) == position


@given(st.lists(JSON | st.just(UNDEFINED), max_size=3))
def test_undefined_and_null_are_told_apart(values: list[Any]) -> None:
    wrapped = continuations.wrapped(values)
    assert wrapped is not None
    assert continuations.unwrapped(wrapped) == values


@given(st.text() | JSON.map(lambda value: base64.urlsafe_b64encode(orjson.dumps(value)).decode()))
def test_anything_else_is_refused(token: str) -> None:
    if token:
        with pytest.raises(BadRequest):
            continuations.decode(token, b"query")


def test_values_that_are_too_long_stay_out_of_a_token() -> None:
    assert continuations.wrapped(["x" * 2900]) is not None
    assert continuations.wrapped(["x" * 3100]) is None
