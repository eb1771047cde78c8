"""Adds the heat index to weather reports."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN
from shared.stages.enrich import ENRICH_WEATHER

blueprint = func.Blueprint()


@blueprint.function_name("enrich_weather")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="weather",
    connection="EventHubs",
    consumer_group="enrich_weather",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def enrich_weather(events: List[func.EventHubEvent]) -> None:
    await CHAIN.run(ENRICH_WEATHER, events)
