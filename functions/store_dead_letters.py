"""Writes dead letters as line-delimited JSON into the Data Lake, file system `dead-letters`."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN, DEAD_LETTERS_FILE_SYSTEM
from shared.stages.stored import STORE_DEAD_LETTERS, dead_letter_entry

blueprint = func.Blueprint()


@blueprint.function_name("store_dead_letters")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="dead-letters",
    connection="EventHubs",
    consumer_group="store_dead_letters",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def store_dead_letters(events: List[func.EventHubEvent]) -> None:
    await CHAIN.store_files(STORE_DEAD_LETTERS, DEAD_LETTERS_FILE_SYSTEM, dead_letter_entry, events)
