"""`python -m local.stream_analytics --job DIR --data-dir DIR`: run a Stream Analytics job between hubs and stores."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local import lifecycle
from local.sql.asa.errors import AsaError
from local.stream_analytics import definition, outputs
from local.stream_analytics.errors import JobError
from local.stream_analytics.reference_reader import SCAN_SECONDS
from local.stream_analytics.service import Service


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.stream_analytics",
        description="Run a Stream Analytics job between the hubs and stores that settings name.",
    )
    parser.add_argument("--job", type=Path, required=True, help="the directory with job.asaql and job.json")
    parser.add_argument("--data-dir", type=Path, required=True, help="where its state is kept")
    parser.add_argument(
        "--scan-seconds", type=float, default=SCAN_SECONDS, metavar="SECONDS",
        help="between two looks for new reference data (default: %(default)g, as in Azure)",
    )  # fmt: skip
    lifecycle.add_process_arguments(parser)
    return parser.parse_args()


def main() -> int:
    """Returns the process's exit status: 1 when the job is not right, or cannot go on."""
    arguments = _arguments()
    service: Service | None = None

    @asynccontextmanager
    async def running() -> AsyncIterator[Mapping[str, object]]:
        nonlocal service
        logging.getLogger("azure").setLevel(logging.ERROR)  # it warns of what is tried again, by each partition
        job = definition.load(arguments.job)
        connections = outputs.connections(job.settings(), os.environ)
        service = Service(
            job, connections, arguments.data_dir, given_up=lambda: signal.raise_signal(signal.SIGTERM),
            scan_seconds=arguments.scan_seconds,
        )  # fmt: skip
        async with service.running() as details:
            yield details

    try:
        status = lifecycle.run("stream-analytics", running(), arguments)
    except (AsaError, JobError) as error:
        print(error, file=sys.stderr)
        return 1
    if service is not None and service.failure is not None:
        failure = service.failure
        if isinstance(failure, (AsaError, JobError)):
            print(f"the job has stopped: {failure}", file=sys.stderr)
            return 1
        raise failure
    return status


if __name__ == "__main__":
    sys.exit(main())
