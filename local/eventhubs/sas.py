"""Shared access signatures: read a token, verify it, and tell which resources it opens.

`SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=<key name>`, where the signature is the base64
HMAC-SHA256 of the encoded resource, a newline and the expiry:
https://learn.microsoft.com/azure/event-hubs/authenticate-shared-access-signature
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_plus, urlsplit

from local.eventhubs.errors import UNAUTHORIZED, LinkFault

_PREFIX = "SharedAccessSignature "


@dataclass(frozen=True)
class Key:
    """The namespace's one key; it has every right, as RootManageSharedAccessKey does."""

    name: str
    value: str


@dataclass(frozen=True)
class Grant:
    """What one verified token opens: `path` and what lies under it, until `expires` (Unix seconds)."""

    path: tuple[str, ...]
    expires: float

    def covers(self, path: tuple[str, ...], now: float) -> bool:
        return now < self.expires and path[: len(self.path)] == self.path


class Refused(LinkFault):
    """A token that opens nothing; the description says why."""

    condition = UNAUTHORIZED


def sign(key: Key, resource: str, expires: int) -> str:
    """A token for `resource` (`sb://host/hub`), valid until `expires` (Unix seconds)."""
    encoded = quote_plus(resource)
    signature = quote_plus(_signature(key, encoded, str(expires)))
    return f"{_PREFIX}sr={encoded}&sig={signature}&se={expires}&skn={quote_plus(key.name)}"


def verify(token: str, audience: str | None, key: Key, now: float) -> Grant:
    """Check `token` and grant `audience`, which must be the token's resource or lie under it; None is that resource.

    Raises:
        Refused: it is no such token, was not signed by `key`, has expired, or is for something else.
    """
    if not token.startswith(_PREFIX):
        raise Refused("InvalidToken: the token does not begin with 'SharedAccessSignature '")
    fields = dict(item.partition("=")[::2] for item in token.removeprefix(_PREFIX).split("&"))
    missing = [name for name in ("sr", "sig", "se", "skn") if not fields.get(name)]
    if missing:
        raise Refused(f"InvalidToken: the token has no {', '.join(missing)}")
    if unquote_plus(fields["skn"]) != key.name:
        raise Refused(f"InvalidSignature: there is no key named '{unquote_plus(fields['skn'])}'")
    expected = _signature(key, fields["sr"], fields["se"])
    if not hmac.compare_digest(expected.encode(), unquote_plus(fields["sig"]).encode()):
        raise Refused("InvalidSignature: the token has an invalid signature")
    if not fields["se"].isascii() or not fields["se"].isdigit():
        raise Refused("InvalidToken: the expiry is not a number of seconds")
    expires = int(fields["se"])
    if expires <= now:
        raise Refused("ExpiredToken: the token is expired")
    resource = unquote_plus(fields["sr"])
    resource_host, resource_path = _split(resource)
    audience_host, audience_path = _split(resource if audience is None else audience)
    if resource_host != audience_host or audience_path[: len(resource_path)] != resource_path:
        raise Refused(f"InvalidAudience: the token is for '{resource}', not for '{audience}'")
    return Grant(audience_path, float(expires))


def _signature(key: Key, encoded_resource: str, expiry: str) -> str:
    message = f"{encoded_resource}\n{expiry}".encode()
    return base64.b64encode(hmac.digest(key.value.encode(), message, "sha256")).decode()


def _split(resource: str) -> tuple[str, tuple[str, ...]]:
    """Host and path of a resource. Scheme and port differ between SDKs (sb, amqp, amqps, https), so neither counts."""
    try:
        parts = urlsplit(resource if "://" in resource else f"sb://{resource}")
        host = parts.hostname or ""
    except ValueError:
        raise Refused(f"InvalidAudience: '{resource}' is not an address") from None
    return host, path_of(parts.path)


def path_of(path: str) -> tuple[str, ...]:
    """The segments of an entity's path; names of hubs and groups do not depend on case."""
    return tuple(segment.lower() for segment in path.split("/") if segment)
