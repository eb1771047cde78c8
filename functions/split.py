"""Takes producers' events apart, validates them, and routes each to the hub of its kind."""

from typing import List

import azure.functions as func

from shared.chain import CHAIN
from shared.stages.split import SPLIT

blueprint = func.Blueprint()


@blueprint.function_name("split")
@blueprint.event_hub_message_trigger(
    arg_name="events",
    event_hub_name="dev",
    connection="EventHubs",
    consumer_group="split",
    cardinality=func.Cardinality.MANY,
    data_type=func.DataType.BINARY,
)
@blueprint.retry(
    strategy="exponential_backoff",
    max_retry_count="-1",
    minimum_interval="00:00:01",
    maximum_interval="00:01:00",
)
async def split(events: List[func.EventHubEvent]) -> None:
    await CHAIN.run(SPLIT, events)
