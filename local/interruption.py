"""What ends a command of ours as Ctrl-C does, so that it stops what it started in order."""

from __future__ import annotations

import signal


def as_ctrl_c() -> None:
    """Let SIGTERM and a closed terminal raise KeyboardInterrupt, too; not the latter under nohup."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # Windows has none
        signal.signal(signal.SIGHUP, signal.default_int_handler)
