"""Which SASL tokens open what, and the reason that the others are given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.eventhubs.kafka.errors import Refused
from local.eventhubs.kafka.sasl import authenticate
from local.eventhubs.sas import Key

KEY = Key("RootManageSharedAccessKey", "c2VjcmV0PT0=")
GOOD = "Endpoint=sb://localhost:5672;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=c2VjcmV0PT0="


def token(password: str, user: str = "$ConnectionString", identity: str = "") -> bytes:
    return "\0".join((identity, user, password)).encode()


@pytest.mark.parametrize(
    ("password", "path"),
    [
        (GOOD, ()),
        (f"{GOOD};", ()),
        (f"{GOOD};UseDevelopmentEmulator=true;", ()),
        (f"{GOOD};EntityPath=", ()),
        (f"{GOOD};EntityPath=Readings", ("readings",)),
        (GOOD.replace(";Shared", "; shared"), ()),
    ],
)
def test_a_connection_string_opens_the_namespace_or_its_hub(password: str, path: tuple[str, ...]) -> None:
    assert authenticate("PLAIN", token(password), KEY).path == path
    assert authenticate("PLAIN", token(password, identity="someone"), KEY).path == path


@pytest.mark.parametrize(
    ("mechanism", "sent", "reason"),
    [
        ("PLAIN", token(GOOD[:-1]), "wrong SharedAccessKey"),
        ("PLAIN", token(GOOD.replace("Root", "Other")), "no key named 'OtherManage"),
        ("PLAIN", token("Endpoint=sb://localhost"), "no SharedAccessKeyName and no SharedAccessKey"),
        ("PLAIN", token("SharedAccessSignature=SharedAccessSignature sr=x"), "shared access signature"),
        ("PLAIN", token(GOOD, user="root"), "user name must be"),
        ("PLAIN", b"", "not one of the SASL mechanism PLAIN"),
        ("PLAIN", b"\0".join([b"a"] * 4), "not one of the SASL mechanism PLAIN"),
        ("OAUTHBEARER", b"n,,\x01auth=Bearer x\x01\x01", "Microsoft Entra ID"),
        (None, token(GOOD), "without a SaslHandshake"),
    ],
)
def test_others_are_told_why_not(mechanism: str | None, sent: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason.replace("$", r"\$")):
        authenticate(mechanism, sent, KEY)


@given(sent=st.binary(max_size=200), mechanism=st.sampled_from(["PLAIN", "OAUTHBEARER", None]))
def test_any_token_is_refused_in_words(sent: bytes, mechanism: str | None) -> None:
    with pytest.raises(Refused, match=r"\."):
        authenticate(mechanism, sent, KEY)
