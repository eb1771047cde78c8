"""Events off a hub as they come, from every partition or from one, until someone has had enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.amqp import AmqpMessageBodyType

from tools.errors import ToolError, UsageError
from tools.receive.received import Received
from tools.receive.refusals import refusals

FROM_START = "-1"
# Without it, closing waits for the SDK's next round of load balancing: up to 30 s.
LOAD_BALANCING_SECONDS = 0.5
# A person looks at one hub: what is prefetched and not shown was fetched for nothing.
_PREFETCH = 300
# Where a key is that a Kafka client gave: it is no partition key, but it is what the producer called it.
_KAFKA_KEY = b"x-opt-kafka-key"
_REFUSED = (
    "the hub refused this reader: either it has no such consumer group (infra/eventhubs.json lists them; every hub has "
    "'$Default'), or five already read a partition as this group"
)

OnEvent = Callable[[Received], bool]


async def stream(
    client: EventHubConsumerClient, partition: str | None, from_start: bool, on_event: OnEvent,
    on_listening: Callable[[int], None],
) -> None:  # fmt: skip
    """Call `on_event` with each event until it returns False, or this is cancelled.

    Args:
        client: closed when this ends.
        partition: the only one to read, or None for all.
        from_start: from the oldest event kept; otherwise from now, exactly: after what each partition holds when
            `on_listening` is called.
        on_event: returns whether to go on.
        on_listening: called once with the number of partitions.

    Raises:
        UsageError: there is no such partition.
        ToolError: the hub refused this reader.
        EventHubError: the hub refused, or cannot be reached.
    """
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def received(context: Any, event: EventData | None) -> None:
        if event is not None and not ended.done() and not on_event(_received(context.partition_id, event)):
            ended.set_result(None)

    def fail(error: Exception) -> None:
        if not ended.done():
            ended.set_exception(error)

    async def failed(context: Any, error: Exception) -> None:
        fail(error)

    with refusals(lambda: fail(ToolError(_REFUSED))):
        async with client:
            partitions = await client.get_partition_ids()
            if partition is not None:
                if partition not in partitions:
                    raise UsageError(f"there is no partition {partition}: the hub has {', '.join(partitions)}")
                partitions = [partition]
            positions = await _positions(client, partitions, from_start)
            on_listening(len(partitions))
            receiving = asyncio.create_task(
                client.receive(
                    received, partition_id=partition, starting_position=positions, on_error=failed, prefetch=_PREFETCH
                )
            )
            try:
                await asyncio.wait((ended, receiving), return_when=asyncio.FIRST_COMPLETED)
                (ended if ended.done() else receiving).result()
            finally:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)


async def _positions(client: EventHubConsumerClient, partitions: list[str], from_start: bool) -> dict[str, Any]:
    """Where to start in each: '@latest' would be decided when the link opens, some time after we say we listen."""
    if from_start:
        return dict.fromkeys(partitions, FROM_START)
    properties = await asyncio.gather(*(client.get_partition_properties(partition) for partition in partitions))
    return {one["id"]: FROM_START if one["is_empty"] else one["last_enqueued_sequence_number"] for one in properties}


def _received(partition: str, event: EventData) -> Received:
    key = event.partition_key
    if key is None:
        key = event.system_properties.get(_KAFKA_KEY)
    return Received(
        partition=partition,
        sequence=event.sequence_number or 0,
        offset=str(event.offset),
        enqueued=event.enqueued_time.isoformat(timespec="milliseconds") if event.enqueued_time else "",
        key=key.decode("utf-8", "replace") if isinstance(key, bytes) else key,
        content_type=event.content_type,
        properties={_text(name): _text(value) for name, value in (event.properties or {}).items()},
        body=_body(event),
    )


def _body(event: EventData) -> bytes:
    """The data sections, joined; an AMQP value or sequence, which no producer of ours sends, as the SDK writes it."""
    if event.body_type == AmqpMessageBodyType.DATA:
        return b"".join(cast(Iterable[bytes], event.body))
    return event.body_as_str().encode("utf-8")


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
