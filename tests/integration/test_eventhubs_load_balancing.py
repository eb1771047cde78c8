"""Two consumers share a hub through BlobCheckpointStore: partitions, checkpoints, and taking over when one leaves."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from azure.eventhub import EventData
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob import ContainerClient

from tests.integration.azurite_service import Azurite, azurite
from tests.integration.eventhubs_service import (
    PARTITIONS,
    Namespace,
    make_namespace,
    namespace,
    receiving,
    until,
)

__all__ = ["azurite", "make_namespace", "namespace"]

CONTAINER = "checkpoints"


def send(namespace: Namespace, *bodies: str) -> None:
    """One event per body and partition."""
    with namespace.producer() as producer:
        for partition in range(PARTITIONS):
            batch = producer.create_batch(partition_id=str(partition))
            for body in bodies:
                batch.add(EventData(f"{partition}:{body}"))
            producer.send_batch(batch)


async def test_two_consumers_share_and_one_takes_over(namespace: Namespace, azurite: Azurite) -> None:
    # GIVEN events in every partition, and two consumers that checkpoint what they process
    with ContainerClient.from_connection_string(azurite.connection_string, CONTAINER) as container:
        container.create_container()
    send(namespace, *(f"first {number}" for number in range(25)))

    async def consume(stack: AsyncExitStack) -> list[str]:
        store = BlobCheckpointStore.from_connection_string(azurite.connection_string, CONTAINER)
        client = namespace.consumer("workers", checkpoint_store=store, partition_ownership_expiration_interval=3)
        processed: list[str] = []

        async def on_event(context: Any, event: EventData) -> None:
            processed.append(event.body_as_str())
            await context.update_checkpoint(event)

        await stack.enter_async_context(store)
        await stack.enter_async_context(receiving(client, on_event, starting_position="-1"))
        return processed

    def partitions(processed: list[str]) -> set[str]:
        return {body.partition(":")[0] for body in processed}

    async with AsyncExitStack() as one, AsyncExitStack() as other:
        left, right = await consume(one), await consume(other)
        await until(lambda: len({*left, *right}) == 100, "the first 100 events to be processed by either", 40)

        # WHEN they have shared the partitions, THEN each gets two of the next events
        async def shared() -> bool:
            left.clear()
            right.clear()
            await send_and_wait("balance")
            return len(partitions(left)) == len(partitions(right)) == 2

        async def send_and_wait(body: str) -> None:
            send(namespace, body)
            await until(lambda: len(partitions(left) | partitions(right)) == PARTITIONS, f"the events '{body}'", 40)

        for _ in range(20):
            if await shared():
                break
        assert partitions(left) | partitions(right) == {"0", "1", "2", "3"}
        assert not partitions(left) & partitions(right)
        assert len(partitions(left)) == 2

        # WHEN one leaves, THEN the other takes over, and goes on where the first had checkpointed
        await other.aclose()
        left.clear()
        send(namespace, "last")
        await until(lambda: len({body for body in left if body.endswith("last")}) == PARTITIONS, "all the last", 40)
        assert not [body for body in left if "first" in body]
