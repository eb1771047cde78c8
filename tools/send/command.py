"""The `send` command: generate, pace, send, and report what was acknowledged."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson

from tools import arguments, environment
from tools.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK
from tools.interruption import Interrupted, interruption
from tools.progress import note, progress_bar
from tools.send.events import KINDS, SENDER, Clock, generate
from tools.send.faults import bad_sequences, spoil
from tools.send.kafka import KafkaSender
from tools.send.outgoing import Delivery, OnDelivery, Outgoing, Sender, SendFailed
from tools.send.pace import Pace
from tools.send.sdk import SdkSender


class Route(NamedTuple):
    """A way into a hub: what connects (settings, hub, whom to tell of deliveries), and the `sender` of its events."""

    connect: Callable[[Mapping[str, str], str, OnDelivery | None], Sender]
    sender: str


ROUTES = {"sdk": Route(SdkSender, SENDER), "kafka": Route(KafkaSender, "python_kafka_sdk")}
# Measured with 4 partitions: from 1,000 events up, waiting for all partitions between chunks costs nothing.
_CHUNK_EVENTS = 2_000
# An interruption is noticed within this time.
_NAP_SECONDS = 0.1

EXAMPLES = """examples:
  python -m tools send                                      100 postal-code events to hub dev
  python -m tools send --kind mixed --count 3000 --bad 0.01 3,000 of all kinds, 30 of them spoilt on purpose
  python -m tools send --kind weather --count 600 --rate 10 ten a second for a minute
  python -m tools send --via kafka --count 5 -v             over the Kafka protocol; where each event landed
  python -m tools send --kind seismic --count 3 --dry-run   print the bodies instead of sending them

Each event is one message of bare JSON; events of a key go to one partition, in order, and to the same one over either
protocol. The same seed sends the same events. A message is counted once the hub has acknowledged it; if one is not, the
exit status is 1.

Over Kafka it connects to port 9093 of the namespace, or to localhost:9092 for the emulator's connection string, or to
where EventHubs__kafkaBootstrapServers says.
"""


@dataclass
class Tally:
    """What has been acknowledged so far, and how long it took."""

    sent: int = 0
    bad: int = 0
    seconds: float = 0.0

    def add(self, acknowledged: list[Outgoing]) -> None:
        self.sent += len(acknowledged)
        self.bad += sum(event.bad for event in acknowledged)


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "send", help="send events to a hub", description="Send events to a hub, as producers would.",
        epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--via", choices=ROUTES, default="sdk",
        help="the way into the hub: the Event Hubs SDK (AMQP), or a Kafka client (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--kind", choices=KINDS, default="place", help="what to send (default: %(default)s)")
    parser.add_argument("--count", type=arguments.count, default=100, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--rate", type=arguments.rate, metavar="R", help="events a second (default: no limit)")
    parser.add_argument(
        "--bad",
        type=arguments.fraction,
        default=0.0,
        metavar="FRACTION",
        help="spoil this part, 0 to 1 (default: none)",
    )
    parser.add_argument("--hub", help="the hub (default: AZURE_STREAMPOC_EVENTHUB_HUBNAME, or dev)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="choose other events (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="print the bodies, one a line, and send nothing")
    parser.add_argument(
        "-v", "--verbose", action="store_true",
        help="print where each event landed: hub, partition, and over Kafka the offset",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON: sent, bad, seconds")
    parser.set_defaults(run=run)


def outgoing(
    kind: str, count: int, bad: float, seed: int, clock: Clock = time.time, sender: str = SENDER
) -> Iterator[Outgoing]:
    """The events of one run, ready to send; the bad ones keep the key they would have had."""
    faults = bad_sequences(count, bad, seed)
    for key, event in generate(kind, count, seed, clock, sender):
        fault = faults.get(event["seq"])
        body = orjson.dumps(event) if fault is None else spoil(event, fault)
        yield Outgoing(body, key, bad=fault is not None)


def run(options: argparse.Namespace) -> int:
    route = ROUTES[options.via]
    events = outgoing(options.kind, options.count, options.bad, options.seed, sender=route.sender)
    if options.dry_run:
        for event in events:
            sys.stdout.buffer.write(event.body + b"\n")
        return EXIT_OK
    settings = environment.load()
    hub = options.hub or environment.default_hub(settings)
    tally = Tally()
    status, failure = EXIT_OK, None
    sender = route.connect(settings, hub, _print_delivery if options.verbose else None)
    try:
        with interruption() as interrupted:
            try:
                deliver(events, options.count, sender, Pace(options.rate), tally, interrupted, f"to {hub}")
            except SendFailed as error:
                status, failure = EXIT_FAILED, str(error)
            if interrupted() and tally.sent < options.count:
                status = EXIT_INTERRUPTED
    finally:
        sender.close()
    _report(tally, options, hub, failure)
    return status


def deliver(
    events: Iterator[Outgoing], count: int, sender: Sender, pace: Pace, tally: Tally,
    interrupted: Interrupted, label: str,
) -> None:  # fmt: skip
    """Send `events` at `pace` in chunks, counting into `tally`, until they end or `interrupted` says so.

    Raises:
        SendFailed: the hub refused some; what it did acknowledge is in `tally`.
    """
    begin = paced_from = time.monotonic()
    with progress_bar(label, count) as advance:
        taken = 0
        while taken < count and not interrupted():
            due = pace.due(time.monotonic() - paced_from, count) - taken
            chunk = list(islice(events, min(due, _CHUNK_EVENTS)))
            try:
                acknowledged = sender.send(chunk) if chunk else []
            except SendFailed as error:
                tally.add(error.acknowledged)
                raise
            finally:
                tally.seconds = time.monotonic() - begin
            if taken == 0:
                # The first send connects, for a second or so: what fell due meanwhile would go out in one burst.
                paced_from = time.monotonic()
            taken += len(chunk)
            tally.add(acknowledged)
            advance(len(acknowledged))
            if taken < count:
                _nap(pace.wait(time.monotonic() - paced_from, taken), interrupted)


def _nap(seconds: float, interrupted: Interrupted) -> None:
    deadline = time.monotonic() + seconds
    while not interrupted() and (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, _NAP_SECONDS))


def _print_delivery(delivery: Delivery) -> None:
    where = f"{delivery.hub} partition {delivery.partition}"
    offset = "" if delivery.offset is None else f" offset {delivery.offset}"
    print(f"{where}{offset} key {delivery.event.key}")


def _report(tally: Tally, options: argparse.Namespace, hub: str, failure: str | None) -> None:
    rate = f"{tally.sent / tally.seconds:,.0f} events/s" if tally.seconds > 0 else "no time"
    complete = "" if tally.sent == options.count else f" of {options.count:,}"
    note(f"{hub}: {tally.sent:,}{complete} events acknowledged ({tally.bad:,} bad) in {tally.seconds:.2f} s, {rate}")
    if failure:
        note(f"send: {failure}")
    if options.json:
        print(json.dumps({"sent": tally.sent, "bad": tally.bad, "seconds": round(tally.seconds, 3)}), flush=True)
