"""ApiVersions: what a client asks first, to learn which versions of which APIs are spoken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kio.schema.errors import ErrorCode

from local.eventhubs.kafka.api import NO_THROTTLE, Api, Session, make, response_module

KEY = 18
VERSIONS = range(4)


async def _handle(request: Any, session: Session) -> Any:
    schema = response_module(request)
    return answer(schema, session.apis.values(), ErrorCode.none)


def answer(schema: Any, apis: Iterable[Api], error: ErrorCode) -> Any:
    """The response in the version of `schema` (kio's module). One to a version that is not spoken has version 0 and
    the error UNSUPPORTED_VERSION, so that any client can read which it may choose (KIP-511)."""
    keys = tuple(
        make(schema.ApiVersion, api_key=api.key, min_version=api.versions[0], max_version=api.versions[-1])
        for api in sorted(apis, key=lambda api: api.key)
    )
    return make(schema.ApiVersionsResponse, error_code=error, api_keys=keys, throttle_time=NO_THROTTLE)


API = Api(KEY, VERSIONS, _handle, before_authentication=True)
