"""`make bench`: everything that is measured, one after the other. `python -m bench.NAME --help` runs one."""

from __future__ import annotations

import sys

from bench import chain, cosmos_store, datalake_files, hop, namespace_amqp


def main() -> None:
    # Arguments are for the single benchmarks: all together run with what they have by default.
    sys.argv = sys.argv[:1]
    for module in (hop, namespace_amqp, cosmos_store, datalake_files, chain):
        module.main()
        print(flush=True)


if __name__ == "__main__":
    main()
