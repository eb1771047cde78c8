"""SaslHandshake and SaslAuthenticate: how a client proves that it knows the namespace's key."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka import sasl
from local.eventhubs.kafka.api import Api, Session, make, response_module
from local.eventhubs.kafka.errors import Refused

_LOG = logging.getLogger(__name__)


async def _handshake(request: Any, session: Session) -> Any:
    known = request.mechanism in (sasl.PLAIN, sasl.OAUTHBEARER)
    session.mechanism = request.mechanism if known else None
    session.raw_sasl = known and session.version == 0
    session.ending = not known
    error = ErrorCode.none if known else ErrorCode.unsupported_sasl_mechanism
    return make(response_module(request).SaslHandshakeResponse, error_code=error, mechanisms=(sasl.PLAIN,))


async def _authenticate(request: Any, session: Session) -> Any:
    error, message = ErrorCode.none, None
    try:
        session.grant = sasl.authenticate(session.mechanism, request.auth_bytes, session.namespace.key)
    except Refused as refusal:
        _LOG.info("%s is refused: %s", session.client_host, refusal)
        error, message = ErrorCode.sasl_authentication_failed, str(refusal)
        session.ending = True
    return make(
        response_module(request).SaslAuthenticateResponse,
        error_code=error,
        error_message=message,
        auth_bytes=b"",
        session_lifetime=timedelta(0),
    )


APIS = [
    Api(17, range(2), _handshake, before_authentication=True),
    Api(36, range(3), _authenticate, before_authentication=True),
]
