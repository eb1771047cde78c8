"""`GET /api/health`: whether the app runs and reaches what it depends on."""

import azure.functions as func
import orjson

from shared.dependencies import HEALTH

blueprint = func.Blueprint()


@blueprint.function_name("health")
@blueprint.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health(req: func.HttpRequest) -> func.HttpResponse:
    """200 with every dependency `ok`, or 503 with what is wrong."""
    answers = await HEALTH.check()
    well = all(answer == "ok" for answer in answers.values())
    body = {"status": "ok" if well else "unavailable", "dependencies": answers}
    text = orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)
    return func.HttpResponse(text, status_code=200 if well else 503, mimetype="application/json")
