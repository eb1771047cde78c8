"""`$cbs`: a client puts a token for what it is about to use (OASIS AMQP claims-based security, draft 1.0)."""

from __future__ import annotations

from local.eventhubs import sas
from local.eventhubs.errors import UNAUTHORIZED
from local.eventhubs.request import Request, response
from local.eventhubs.sas import Grant, Key

NODE = "$cbs"
SAS_TOKEN = "servicebus.windows.net:sastoken"


def put_token(request: Request, key: Key, now: float) -> tuple[Grant | None, bytes]:
    """Check the token of a put-token request.

    Returns:
        What it opens, None when it opens nothing; and the answer to send.
    """
    operation, kind = request.properties.get("operation"), request.properties.get("type")
    audience = request.properties.get("name")
    if operation != "put-token":
        return None, response(request, 400, f"{NODE} knows the operation put-token, not {operation!r}")
    if kind != SAS_TOKEN:
        return None, response(
            request, 401, f"{UNAUTHORIZED}: tokens of type {kind!r} are not accepted here; use a connection string"
        )
    if not isinstance(audience, str) or not isinstance(request.body, str):
        return None, response(request, 400, "put-token needs the property name and a token as a string")
    try:
        grant = sas.verify(request.body, audience, key, now)
    except sas.Refused as refused:
        return None, response(request, 401, refused.description)
    return grant, response(request, 202, "Accepted")
