"""Owner levels: who takes a partition from whom."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from azure.eventhub.exceptions import ConnectionLostError

from tests.integration.eventhubs_service import (
    Namespace,
    Received,
    make_namespace,
    namespace,
    receiving,
)
from tests.waiting import until

__all__ = ["make_namespace", "namespace"]


async def enter(
    stack: AsyncExitStack, namespace: Namespace, partition: int, level: int | None, group: str = "$Default"
) -> Received:
    client = namespace.consumer(group, retry_total=0)
    options = {"partition_id": str(partition), "starting_position": "-1", "owner_level": level}
    return await stack.enter_async_context(receiving(client, **options))


def stolen(received: Received) -> bool:
    return any("amqp:link:stolen" in str(error) for error in received.errors)


async def test_an_equal_or_higher_level_takes_the_partition(namespace: Namespace) -> None:
    async def take(partition: int, first: int | None, second: int) -> None:
        async with AsyncExitStack() as stack:
            owner = await enter(stack, namespace, partition, first)
            await until(lambda: owner.events, "the first owner's event")

            taker = await enter(stack, namespace, partition, second)
            await until(lambda: taker.events, "the taker's event")
            await until(lambda: stolen(owner), "the first owner to be told")

            assert isinstance(owner.errors[0], ConnectionLostError)

    for partition in range(3):
        namespace.send("event", partition_id=str(partition))
    await asyncio.gather(take(0, 0, 0), take(1, 1, 2), take(2, None, 0))


async def test_a_lower_level_or_none_is_refused(namespace: Namespace) -> None:
    async def intrude(partition: int, level: int | None) -> None:
        async with AsyncExitStack() as stack:
            owner = await enter(stack, namespace, partition, 1)
            await until(lambda: owner.events, "the owner's event")

            intruder = await enter(stack, namespace, partition, level)
            other_group = await enter(stack, namespace, partition, level, "workers")
            await until(lambda: stolen(intruder), "the intruder to be refused")
            await until(lambda: other_group.events, "another consumer group's event")

            assert not intruder.events
            assert not owner.errors

    for partition in range(2):
        namespace.send("event", partition_id=str(partition))
    await asyncio.gather(intrude(0, 0), intrude(1, None))
