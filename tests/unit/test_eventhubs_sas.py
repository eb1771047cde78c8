"""Shared access signatures: those the SDK makes are taken; any other is refused with the reason."""

from __future__ import annotations

import pytest
from azure.eventhub._pyamqp.utils import generate_sas_token

from local.eventhubs import sas
from local.eventhubs.errors import LinkFault
from local.eventhubs.grants import Grants
from local.eventhubs.sas import Grant, Key, Refused

KEY = Key("RootManageSharedAccessKey", "SAS_KEY_VALUE")
NOW = 1_000_000.0
AUDIENCE = "sb://localhost:5672/hub"


@pytest.mark.parametrize("audience", [AUDIENCE, f"{AUDIENCE}/consumergroups/$Default", "sb://Host/a b/é+%"])
def test_the_sdks_own_token(audience: str) -> None:
    token = generate_sas_token(audience, KEY.name, KEY.value, int(NOW) + 60)
    assert sas.verify(token, audience, KEY, NOW).expires == NOW + 60
    assert sas.verify(sas.sign(KEY, audience, int(NOW) + 60), audience, KEY, NOW).expires == NOW + 60


@pytest.mark.parametrize(
    ("resource", "audience"),
    [
        ("sb://localhost/hub", "sb://localhost:5672/hub"),
        ("amqps://LOCALHOST/Hub", "sb://localhost/hub"),
        ("sb://localhost:5672/", AUDIENCE),
        ("sb://localhost/hub", "sb://localhost/hub/consumergroups/g"),
    ],
)
def test_a_token_opens_what_lies_under_its_resource(resource: str, audience: str) -> None:
    grant = sas.verify(sas.sign(KEY, resource, int(NOW) + 1), audience, KEY, NOW)
    assert grant.covers(("hub", "partitions", "0"), NOW) is ("consumergroups" not in audience)
    assert not grant.covers(("hubs",), NOW)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("", "does not begin"),
        ("Bearer abc", "does not begin"),
        ("SharedAccessSignature sr=x", "has no sig, se, skn"),
        (sas.sign(Key(KEY.name, "other"), AUDIENCE, int(NOW) + 60), "invalid signature"),
        (sas.sign(Key("Other", KEY.value), AUDIENCE, int(NOW) + 60), "no key named 'Other'"),
        (sas.sign(KEY, AUDIENCE, int(NOW)), "expired"),
        (sas.sign(KEY, AUDIENCE, int(NOW) + 60).replace("&se=1000060", "&se=9999999"), "invalid signature"),
        (sas.sign(KEY, "sb://localhost/other", int(NOW) + 60), "not for 'sb://localhost:5672/hub'"),
        (sas.sign(KEY, "sb://localhost/hub/consumergroups/g", int(NOW) + 60), "not for"),
        (sas.sign(KEY, "sb://elsewhere/hub", int(NOW) + 60), "not for"),
        (sas.sign(KEY, "sb://[::1/hub", int(NOW) + 60), "is not an address"),
    ],
)
def test_other_tokens_are_refused(token: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        sas.verify(token, AUDIENCE, KEY, NOW)


def test_grants_cover_their_paths_until_they_expire() -> None:
    grants = Grants()
    grants.add(Grant(("hub",), NOW + 10))
    grants.add(Grant(("other",), NOW + 20))
    grants.check(("hub", "partitions", "1"), NOW)
    with pytest.raises(LinkFault, match="No valid token was put for 'third'"):
        grants.check(("third",), NOW)
    assert grants.next_expiry() == NOW + 10

    grants.drop_expired(NOW + 10)

    assert not grants.covers(("hub",), NOW + 10)
    assert grants.next_expiry() == NOW + 20
    grants.add(Grant(("other",), NOW + 99))
    assert grants.next_expiry() == NOW + 99


def test_a_connection_cannot_hoard_tokens() -> None:
    grants = Grants()
    for number in range(1_000):
        grants.add(Grant((str(number),), NOW))
    grants.add(Grant(("0",), NOW + 1))
    with pytest.raises(LinkFault, match="at most 1000"):
        grants.add(Grant(("one more",), NOW))
