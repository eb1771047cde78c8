"""What holds for all tests: properties have no deadline for an example, as the machines that run them may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")
