"""What holds for all tests: properties have no deadline for an example, as the machines that run them may be busy, and
Ctrl-C ends what tests start, however they were started."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("headrace", deadline=None)
settings.load_profile("headrace")

# Who is started in the background by a shell ignores Ctrl-C, and so do the processes that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
