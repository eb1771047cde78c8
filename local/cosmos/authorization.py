"""Master-key authorisation: the HMAC over verb, resource type, resource link and date that every request carries.

Source: https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate, parsedate_to_datetime
from functools import lru_cache
from urllib.parse import unquote

from local.cosmos.errors import Forbidden, Unauthorized

CLOCK_SKEW = 15 * 60.0  # seconds either way, as the service allows


class MasterKey:
    """Checks signatures made with one account key."""

    def __init__(self, key: str) -> None:
        """Raises ValueError when `key` is not base64."""
        try:
            self._key = base64.b64decode(key, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the account key is not base64: {error}") from None

    def check(self, verb: str, resource_type: str, resource_link: str, headers: Mapping[str, str]) -> None:
        """Raise unless `headers` authorise the request.

        Args:
            verb: the HTTP method, in any case.
            resource_type: "dbs", "colls", "docs", ...; "" for the account.
            resource_link: the path of the resource (or of its parent, for a feed), decoded, without outer slashes.
            headers: the request's, read without regard to case.

        Raises:
            Unauthorized: the signature is missing, malformed or wrong, or the date is not a date.
            Forbidden: the date is more than `CLOCK_SKEW` away.
        """
        authorization = headers.get("authorization")
        if not authorization:
            raise Unauthorized(
                "Required Header authorization is missing. Ensure a valid Authorization token is passed."
            )
        fields = dict(part.partition("=")[::2] for part in unquote(authorization).split("&"))
        if fields.get("type") != "master" or fields.get("ver") != "1.0" or not fields.get("sig"):
            raise Unauthorized(
                "Authorization header doesn't confirm to the required format. Please verify and try again."
            )
        x_date, date = headers.get("x-ms-date", ""), headers.get("date", "")
        text = f"{verb.lower()}\n{resource_type.lower()}\n{resource_link}\n{x_date.lower()}\n{date.lower()}\n"
        signature = base64.b64encode(hmac.digest(self._key, text.encode(errors="replace"), "sha256"))
        # A "+" sent unescaped reaches us as it is: unquote leaves it alone.
        if not hmac.compare_digest(signature, fields["sig"].encode("utf-8", "replace")):
            raise Unauthorized(
                "The input authorization token can't serve the request. The wrong key is being used or the expected "
                "payload is not built as per the protocol. For more info: https://aka.ms/cosmosdb-tsg-unauthorized. "
                f"Server used the following payload to sign: '{text.encode('unicode_escape').decode()}'"
            )
        _check_date(x_date or date)


@lru_cache(maxsize=64)  # a busy client sends the same second many times
def _timestamp(text: str) -> float:
    return parsedate_to_datetime(text).timestamp()


def _check_date(text: str) -> None:
    try:
        sent = _timestamp(text)
    except (ValueError, TypeError, OverflowError):
        raise Unauthorized(
            "The input date header is invalid format. Please pass in RFC 1123 style date format."
        ) from None
    now = time.time()
    if abs(now - sent) > CLOCK_SKEW:
        start, end, current = (formatdate(at, usegmt=True) for at in (sent - CLOCK_SKEW, sent + CLOCK_SKEW, now))
        raise Forbidden(
            "The authorization token is not valid at the current time. Please create another token and retry "
            f"(token start time: {start}, token expiry time: {end}, current server time: {current})."
        )
