"""Numbers on the command line, and what they may be."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable


def count(text: str) -> int:
    """A whole number from 1 up."""
    return int(_number(text, int, lambda value: value > 0, "a whole number from 1 up"))


def rate(text: str) -> float:
    """Events a second."""
    return _number(text, float, lambda value: 0 < value < float("inf"), "events a second, above 0")


def seconds(text: str) -> float:
    """A duration in seconds."""
    return _number(text, float, lambda value: 0 < value < float("inf"), "seconds, above 0")


def fraction(text: str) -> float:
    """A part of the whole."""
    return _number(text, float, lambda value: 0 <= value <= 1, "a part, from 0 to 1")


def _number(text: str, kind: Callable[[str], float], valid: Callable[[float], bool], meaning: str) -> float:
    with contextlib.suppress(ValueError):
        value = kind(text)
        if valid(value):
            return value
    raise argparse.ArgumentTypeError(f"{text!r} is not {meaning}")
