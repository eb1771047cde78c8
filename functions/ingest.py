"""`POST /api/events`: takes events over HTTP and puts them on the entry hub."""

import logging

import azure.functions as func
import orjson
from azure.eventhub.exceptions import EventHubError

from shared.chain import CHAIN
from shared.ingest import Rejected, accept
from shared.routing import ENTRY_HUB

blueprint = func.Blueprint()


@blueprint.function_name("ingest")
@blueprint.route(route="events", methods=["POST"])
async def ingest(req: func.HttpRequest) -> func.HttpResponse:
    """202 with the ids; 400 with what is wrong with each bad event, and nothing taken; 503 when the hub is away."""
    try:
        accepted = accept(req.get_body(), req.headers.get("traceparent"))
    except Rejected as rejected:
        return _answer(400, {"error": str(rejected), "items": rejected.items})
    try:
        await CHAIN.emitter.emit({ENTRY_HUB: accepted.events})
    except EventHubError as error:
        logging.getLogger("headrace").error("ingest: hub %s did not take the events: %s", ENTRY_HUB, error)
        retry = (
            "the hub is not available; send the same request again (with CloudEvents ids, so that none counts twice)"
        )
        return _answer(503, {"error": retry}, {"Retry-After": "5"})
    return _answer(202, {"accepted": len(accepted.ids), "ids": accepted.ids})


def _answer(status: int, body: dict[str, object], headers: dict[str, str] | None = None) -> func.HttpResponse:
    text = orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
    return func.HttpResponse(text, status_code=status, mimetype="application/json", headers=headers)
