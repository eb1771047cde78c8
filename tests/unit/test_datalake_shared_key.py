"""SharedKey: the signatures that the official SDK makes are accepted, and nothing else is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from azure.core.rest import HttpRequest
from azure.storage.filedatalake._shared.authentication import SharedKeyCredentialPolicy

from local.datalake.errors import Unauthorised
from local.datalake.shared_key import verify

ACCOUNT, KEY = "devstoreaccount1", b"the key of a test"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HOST = "http://127.0.0.1:10004"


def signed(method: str, target: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers of a request as the SDK's own policy signs it."""
    request = HttpRequest(method, f"{HOST}{target}", headers=headers | {"x-ms-date": format_datetime(NOW, usegmt=True)})
    request.query = dict(part.partition("=")[::2] for part in target.partition("?")[2].split("&") if part)
    policy = SharedKeyCredentialPolicy(ACCOUNT, base64.b64encode(KEY).decode())
    policy.on_request(SimpleNamespace(http_request=request, context=SimpleNamespace(transport=None)))
    return {name.lower(): value for name, value in request.headers.items()}


def check(method: str, target: str, headers: dict[str, str], now: datetime = NOW) -> None:
    path, _, query = target.partition("?")
    verify(KEY, ACCOUNT, method, path, query, headers, now)


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("GET", "/devstoreaccount1/events?resource=filesystem&recursive=true&maxResults=5", {}),
        ("PUT", "/devstoreaccount1/events/a%20b?resource=file", {"Content-Length": "0", "If-None-Match": "*"}),
        ("PATCH", "/devstoreaccount1/e/a?action=append&position=0", {"Content-Length": "7", "Content-Type": "text/x"}),
        ("PUT", "/devstoreaccount1/e/to?mode=legacy", {"x-ms-rename-source": "/e/from", "x-ms-source-lease-id": ""}),
        ("GET", "/devstoreaccount1/e?resource=filesystem&directory=kind%3Dplace%2Fa%2Bb", {}),
        # Three names that the service's collation and ASCII sort differently.
        ("PUT", "/devstoreaccount1/e/a", {"x-ms-meta-ab": "1", "x-ms-meta-a_b": "2", "x-ms-meta-a1": "3"}),
        ("PUT", "/devstoreaccount1/e/a", {"x-ms-blob-type": "BlockBlob", "x-ms-blobtype": "x", "x-ms-b-z": "y"}),
    ],
)
def test_what_the_sdk_signs_is_accepted(method: str, target: str, headers: dict[str, str]) -> None:
    check(method, target, signed(method, target, headers))


@pytest.mark.parametrize(
    ("method", "target", "changes"),
    [
        ("DELETE", "/devstoreaccount1/e/a?action=flush&position=3", {}),
        ("PATCH", "/devstoreaccount1/e/b?action=flush&position=3", {}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=4", {}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3&close=true", {}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"if-match": "other"}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"x-ms-lease-id": "added"}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"authorization": f"SharedKey {ACCOUNT}:AAAA"}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"authorization": "SharedKey other:AAAA"}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"authorization": "SharedKeyLite x:y"}),
        ("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"x-ms-date": "yesterday"}),
    ],
)
def test_a_request_that_was_changed_is_refused(method: str, target: str, changes: dict[str, str]) -> None:
    original = signed("PATCH", "/devstoreaccount1/e/a?action=flush&position=3", {"If-Match": "one"})
    with pytest.raises(Unauthorised) as refused:
        check(method, target, original | changes)
    assert (refused.value.status, refused.value.code) == (403, "AuthenticationFailed")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_an_old_request_or_one_from_the_future_is_refused(minutes: int) -> None:
    target = "/devstoreaccount1/e/a"
    headers = signed("GET", target, {})
    check("GET", target, headers, NOW + timedelta(minutes=14))
    with pytest.raises(Unauthorised, match="15 minutes"):
        check("GET", target, headers, NOW + timedelta(minutes=minutes))
