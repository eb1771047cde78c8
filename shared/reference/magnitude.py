"""The class of an earthquake by its magnitude: the word that a reader expects beside the number."""

from __future__ import annotations

from bisect import bisect_right

# Michigan Technological University, "Earthquake Magnitude Scale", names minor to great; micro, below 2.0, is the
# Richter scale's as commonly published (https://en.wikipedia.org/wiki/Richter_scale).
_LOWER_BOUNDS = (2.0, 4.0, 5.0, 6.0, 7.0, 8.0)
_CLASSES = ("micro", "minor", "light", "moderate", "strong", "major", "great")


def magnitude_class(magnitude: float) -> str:
    """The class of `magnitude`: micro, minor, light, moderate, strong, major or great (each bound opens its class).

    >>> magnitude_class(1.9), magnitude_class(2.0), magnitude_class(9.1)
    ('micro', 'minor', 'great')
    """
    return _CLASSES[bisect_right(_LOWER_BOUNDS, magnitude)]
