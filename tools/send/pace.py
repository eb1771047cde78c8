"""An even pace: how many events are due after so long, and how long until the next."""

from __future__ import annotations

from dataclasses import dataclass

# What is due within this time goes out together: 50 sends a second at most, whatever the rate.
_TICK_SECONDS = 0.02


@dataclass(frozen=True)
class Pace:
    """`rate` events a second, evenly; None is as fast as they are acknowledged."""

    rate: float | None

    def due(self, elapsed: float, count: int) -> int:
        """How many of `count` events are due `elapsed` seconds after the start; the first one at once."""
        if self.rate is None:
            return count
        return min(count, int(elapsed * self.rate) + 1)

    def wait(self, elapsed: float, done: int) -> float:
        """Seconds to wait until event `done` + 1 is due; not less than a tick, so that a fast pace sends in groups."""
        if self.rate is None:
            return 0.0
        return max(done / self.rate - elapsed, _TICK_SECONDS)
