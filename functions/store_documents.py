"""Upserts enriched records into Cosmos DB, database `dev`, container `events`."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN
from shared.stages.stored import STORE_DOCUMENTS

blueprint = func.Blueprint()


@blueprint.function_name("store_documents")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="enriched",
    connection="EventHubs",
    consumer_group="store_documents",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def store_documents(events: List[func.EventHubEvent]) -> None:
    await CHAIN.store_documents(STORE_DOCUMENTS, events)
