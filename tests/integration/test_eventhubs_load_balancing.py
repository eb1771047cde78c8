"""Two consumers share a hub through BlobCheckpointStore: partitions, checkpoints, and taking over when one leaves."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob import ContainerClient

from tests.integration.azurite_service import Azurite, azurite
from tests.integration.eventhubs_service import (
    HUB,
    PARTITIONS,
    Namespace,
    make_namespace,
    namespace,
    receiving,
)
from tests.waiting import until

__all__ = ["azurite", "make_namespace", "namespace"]

CONTAINER = "checkpoints"


async def test_two_consumers_share_and_one_takes_over(namespace: Namespace, azurite: Azurite) -> None:
    with ContainerClient.from_connection_string(azurite.connection_string, CONTAINER) as container:
        container.create_container()
    async with AsyncExitStack() as one, AsyncExitStack() as other:
        producer = await one.enter_async_context(
            EventHubProducerClient.from_connection_string(namespace.connection_string, eventhub_name=HUB)
        )

        async def send(body: str) -> None:
            """An event to each partition."""
            for partition in range(PARTITIONS):
                await producer.send_event(EventData(f"{partition}:{body}"), partition_id=str(partition))

        async def consume(stack: AsyncExitStack) -> list[str]:
            """What a new consumer processes and checkpoints."""
            store = BlobCheckpointStore.from_connection_string(azurite.connection_string, CONTAINER)
            client = namespace.consumer("workers", checkpoint_store=store, partition_ownership_expiration_interval=3)
            processed: list[str] = []

            async def on_event(context: Any, event: EventData) -> None:
                processed.append(event.body_as_str())
                await context.update_checkpoint(event)

            await stack.enter_async_context(store)
            await stack.enter_async_context(receiving(client, on_event, starting_position="-1"))
            return processed

        def partitions(processed: list[str], body: str) -> set[str]:
            return {found.partition(":")[0] for found in processed if found.endswith(f":{body}")}

        # GIVEN events in every partition, and two consumers that checkpoint what they process
        for number in range(5):
            await send(f"first {number}")
        left, right = await consume(one), await consume(other)
        await until(lambda: len({*left, *right}) == 5 * PARTITIONS, "the first events to be processed by either")

        # WHEN they have had time to balance, THEN each gets two partitions of the next events
        for attempt in range(50):
            body = f"balanced {attempt}"
            await send(body)
            await until(
                lambda body=body: len(partitions(left, body) | partitions(right, body)) == PARTITIONS,
                f"the events '{body}'",
                40,
            )
            if len(partitions(left, body)) == len(partitions(right, body)) == 2:
                break
        assert len(partitions(left, body)) == len(partitions(right, body)) == 2

        # WHEN one leaves, THEN the other takes over, and goes on where the first had checkpointed
        await other.aclose()
        seen = len(left)
        await send("last")
        await until(lambda: len(partitions(left, "last")) == PARTITIONS, "the last events")
        assert not [found for found in left[seen:] if "first" in found]
