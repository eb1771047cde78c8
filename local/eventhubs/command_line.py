"""The command line of `python -m local.eventhubs`: the namespace as a process."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from local import lifecycle
from local.eventhubs import DEFAULT_KEY, DEFAULT_KEY_NAME, config, memory, retention, server
from local.eventhubs.config import HubConfig
from local.eventhubs.errors import EventHubsError
from local.eventhubs.kafka import server as kafka_server
from local.eventhubs.kafka.groups.coordinator import Groups
from local.eventhubs.kafka.settings import Settings
from local.eventhubs.log import Log
from local.eventhubs.namespace import Namespace
from local.eventhubs.retention import Limits, Needed
from local.eventhubs.sas import Key


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.eventhubs",
        description="An Event Hubs namespace on loopback ports: AMQP 1.0 and Kafka.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="where the event log is kept")
    parser.add_argument("--config", type=Path, required=True, help="the hubs file, in the emulator's format")
    parser.add_argument("--key", default=DEFAULT_KEY, help=f"value of the key {DEFAULT_KEY_NAME}")
    parser.add_argument(
        "--retention-hours",
        type=_amount,
        default=24.0,
        help="how long events are kept (default 24, as Event Hubs Basic)",
    )
    parser.add_argument(
        "--retention-megabytes",
        type=_amount,
        default=4096,
        help="the most that the log keeps on disk (default 4096), but for compacted topics",
    )
    parser.add_argument(
        "--retention-check-seconds", type=_amount, default=30.0, help="how often both are enforced (default 30)"
    )
    lifecycle.add_arguments(parser, port=5672)
    _add_kafka_arguments(parser)
    _add_capture_arguments(parser)
    arguments = parser.parse_args()
    if (arguments.capture is None) != (arguments.capture_storage is None):
        parser.error("--capture and --capture-storage go together")
    memory.give_back_large_blocks()
    try:
        hubs = config.read(arguments.config)
        log = Log(arguments.data_dir / "eventhubs.db", hubs)
        groups = Groups(arguments.data_dir / "kafka-groups.db")
        capturing = _capture(log, hubs, arguments)
    except EventHubsError as error:
        print(f"eventhubs: {error}", file=sys.stderr)
        return 1
    return lifecycle.run("eventhubs", _service(hubs, log, groups, capturing, arguments), arguments)


def _amount(text: str) -> float:
    """How much, or how long. Without bounds, -1 would drop every event, and the clock takes no infinity."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0, up to a billion")
    return value


def _add_kafka_arguments(parser: argparse.ArgumentParser) -> None:
    kafka = parser.add_argument_group("Kafka")
    kafka.add_argument(
        "--kafka-port",
        type=lifecycle.port_number,
        default=9092,
        help="where to listen for Kafka clients; 0 takes a free port (default: %(default)s)",
    )
    kafka.add_argument(
        "--kafka-strict", action="store_true", help="refuse what the service refuses: compression other than gzip"
    )
    kafka.add_argument("--kafka-plaintext", action="store_true", help="let clients in that do not authenticate")
    kafka.add_argument(
        "--kafka-create-topics",
        action="store_true",
        help="let clients create hubs, beside those of the hubs file",
    )
    kafka.add_argument(
        "--kafka-idle-seconds", type=_amount, default=240.0, help="how long a silent connection stays (default 240)"
    )


def _add_capture_arguments(parser: argparse.ArgumentParser) -> None:
    capture = parser.add_argument_group("Capture (off without these)")
    capture.add_argument("--capture", type=Path, metavar="FILE", help="what is captured: infra/capture.json")
    capture.add_argument(
        "--capture-storage", metavar="CONNECTION_STRING", help="the storage account that captured files go to"
    )


def _capture(log: Log, hubs: list[HubConfig], arguments: argparse.Namespace) -> AbstractAsyncContextManager[Needed]:
    if arguments.capture is None:
        return nullcontext(retention.nothing)
    # The storage SDK takes half a second to import: whoever captures nothing need not wait for it.
    from local.eventhubs.capture.service import Capture
    from local.eventhubs.capture.settings import read
    from local.eventhubs.capture.storage import Storage

    # At INFO it logs every request, in many lines.
    logging.getLogger("azure").setLevel(logging.WARNING)
    name = config.namespace_name(arguments.config)
    return Capture(log, read(arguments.capture, hubs), name, Storage(arguments.capture_storage))


@asynccontextmanager
async def _service(
    hubs: list[HubConfig],
    log: Log,
    groups: Groups,
    capturing: AbstractAsyncContextManager[Needed],
    arguments: argparse.Namespace,
) -> AsyncIterator[dict[str, object]]:
    namespace = Namespace(hubs, log, Key(DEFAULT_KEY_NAME, arguments.key))
    # Those that clients created before.
    for created in log.unopened() if arguments.kafka_create_topics else []:
        namespace.create(created)
    limits = Limits(arguments.retention_hours * 3600, int(arguments.retention_megabytes * 1024 * 1024))
    keeping: asyncio.Task[None] | None = None
    try:
        async with (
            # Left after the servers, so that it writes the last that they took.
            capturing as needed,
            server.listen(namespace, arguments.port) as port,
            kafka_server.listen(namespace, groups, _kafka_settings(arguments), arguments.kafka_port) as kafka_port,
        ):
            keeping = asyncio.create_task(retention.keep(log, limits, arguments.retention_check_seconds, needed))
            yield {"port": port, "kafka_port": kafka_port}
    finally:
        if keeping is not None:
            keeping.cancel()
        await groups.close()
        await log.close()


def _kafka_settings(arguments: argparse.Namespace) -> Settings:
    return Settings(
        strict=arguments.kafka_strict,
        plaintext=arguments.kafka_plaintext,
        create_topics=arguments.kafka_create_topics,
        idle_seconds=arguments.kafka_idle_seconds,
        retention_milliseconds=int(arguments.retention_hours * 3_600_000),
    )
