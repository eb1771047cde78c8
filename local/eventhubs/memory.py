"""Let the C library give large blocks of memory back to the system as soon as they are free.

By default it raises the size from which it does so, up to 32 MB, whenever one is freed; smaller ones leave holes.
Answers of 4 MB to clients that do not read them then cost memory for good: 1 GB after 700 of those, without an end.
"""

from __future__ import annotations

import ctypes
import sys

# Of glibc's malloc.h; setting it ends the raising.
_M_MMAP_THRESHOLD = -3
# Blocks of 4 MB are those that pile up; asking the system for each block of 1 MB would slow down fast consumers.
_THRESHOLD_BYTES = 2 * 1024 * 1024


def give_back_large_blocks() -> None:
    """Tell the C library, where it is glibc; others have no such habit, or no such setting."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _THRESHOLD_BYTES)
