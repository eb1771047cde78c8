"""Adds the nearest place and the class of magnitude to earthquakes."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN
from shared.stages.enrich import ENRICH_SEISMIC

blueprint = func.Blueprint()


@blueprint.function_name("enrich_seismic")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="seismic",
    connection="EventHubs",
    consumer_group="enrich_seismic",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def enrich_seismic(events: List[func.EventHubEvent]) -> None:
    await CHAIN.run(ENRICH_SEISMIC, events)
