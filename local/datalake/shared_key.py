"""Azure Storage's SharedKey signature: built for what we send to Azurite, checked on what clients send us.

https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key (version 2015-02-21 and later).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

from local.datalake.errors import Unauthorised

_SIGNED_HEADERS = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip
# The service sorts header names as Windows collates words (the SDK carries its tables): a hyphen only breaks ties.
_COLLATION = "!#$%&*.^_`|~+0123456789abcdefghijklmnopqrstuvwxyz"
CLOCK_SKEW = timedelta(minutes=15)  # what the service allows between x-ms-date and its own clock


def _as_collated(name: str) -> tuple[list[int], list[bool]]:
    letters = [_COLLATION.find(character) for character in name if character != "-"]
    return letters, [character == "-" for character in name]


def string_to_sign(
    method: str,
    account: str,
    raw_path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    order: Callable[[str], Any] = _as_collated,
) -> str:
    """The text that the signature covers.

    Args:
        method: the HTTP verb.
        account: the account's name.
        raw_path: the path as it stands in the request line, still percent-encoded.
        query: names and values, percent-decoded.
        headers: all headers of the request, by lower-case name.
        order: sort key for the x-ms-* headers.
    """
    values = [headers.get(name, "") for name in _SIGNED_HEADERS]
    if values[2] == "0":
        values[2] = ""
    extra = "".join(
        f"{name}:{headers[name].strip()}\n"
        for name in sorted((name for name in headers if name.startswith("x-ms-")), key=order)
    )
    parameters: dict[str, list[str]] = {}
    for name, value in query:
        parameters.setdefault(name.lower(), []).append(value)
    resource = "".join(f"\n{name}:{','.join(sorted(parameters[name]))}" for name in sorted(parameters))
    return "\n".join([method, *values, ""]) + extra + f"/{account}{raw_path}" + resource


def sign(key: bytes, text: str) -> str:
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def parse_query(raw_query: str) -> list[tuple[str, str]]:
    """Names and values, percent-decoded once; a `+` stays a `+`, as the SDKs sign it."""
    pairs = (part.partition("=") for part in raw_query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in pairs]


def verify(
    key: bytes, account: str, method: str, raw_path: str, raw_query: str, headers: Mapping[str, str], now: datetime
) -> None:
    """Check the Authorization header of a request.

    Raises:
        Unauthorised: wrong scheme, account, date or signature.
    """
    scheme, _, credential = headers.get("authorization", "").partition(" ")
    name, _, signature = credential.partition(":")
    if scheme != "SharedKey":
        raise Unauthorised(f"only SharedKey and shared access signatures work here, not {scheme or 'nothing'}.")
    if name != account:
        raise Unauthorised(f"the account is {account}, the request is signed for {name}.")
    _check_date(headers.get("x-ms-date") or headers.get("date", ""), now)
    query = parse_query(raw_query)
    for order in (_as_collated, str):
        expected = sign(key, string_to_sign(method, account, raw_path, query, headers, order))
        if hmac.compare_digest(expected.encode(), signature.strip().encode()):
            return
    raise Unauthorised("the signature in the Authorization header is not what this account's key makes of the request.")


def _check_date(text: str, now: datetime) -> None:
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        raise Unauthorised("the x-ms-date header is missing or is not an RFC 1123 date.") from None
    if abs(now - (when if when.tzinfo else when.replace(tzinfo=UTC))) > CLOCK_SKEW:
        raise Unauthorised(f"x-ms-date is {text}, more than 15 minutes from this clock.")
