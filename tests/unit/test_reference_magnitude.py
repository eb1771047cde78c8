"""Magnitude classes: every bound opens its own class."""

from __future__ import annotations

import pytest

from shared.reference.magnitude import magnitude_class


@pytest.mark.parametrize(
    ("magnitude", "expected"),
    [
        (-2.0, "micro"), (1.999, "micro"), (2.0, "minor"), (3.999, "minor"), (4.0, "light"), (4.6, "light"),
        (5.0, "moderate"), (5.999, "moderate"), (6.0, "strong"), (7.0, "major"), (7.999, "major"), (8.0, "great"),
        (9.5, "great"),
    ],
)  # fmt: skip
def test_the_class_of_a_magnitude(magnitude: float, expected: str) -> None:
    assert magnitude_class(magnitude) == expected
