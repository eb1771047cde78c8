"""Writes enriched records as line-delimited JSON into the Data Lake, file system `events`."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN, EVENTS_FILE_SYSTEM
from shared.stages.stored import STORE_FILES, event_entry

blueprint = func.Blueprint()


@blueprint.function_name("store_files")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="enriched",
    connection="EventHubs",
    consumer_group="store_files",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def store_files(events: List[func.EventHubEvent]) -> None:
    await CHAIN.store_files(STORE_FILES, EVENTS_FILE_SYSTEM, event_entry, events)
