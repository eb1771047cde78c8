"""`make bench`: everything that is measured, one after the other. `python -m bench.NAME --help` runs one."""

from __future__ import annotations

import argparse

from bench import chain, cosmos_store, datalake_files, hop, namespace_amqp, namespace_kafka


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").replace("`", ""))
    parser.parse_args()
    for module in (hop, namespace_amqp, namespace_kafka, cosmos_store, datalake_files, chain):
        module.main()
        print(flush=True)


if __name__ == "__main__":
    main()
