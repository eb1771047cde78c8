"""`python -m local.eventhubs`: run the namespace as a process."""

from __future__ import annotations

import sys

# kio describes its types to hypothesis where that is installed, as it is beside the tests: 0.2 s of each start, 9 MB.
sys.modules["hypothesis"] = None  # type: ignore[assignment]

from local.eventhubs.command_line import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
