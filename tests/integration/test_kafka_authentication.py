"""Who is let in: SASL PLAIN with a connection string, for the whole namespace or one hub, and nobody else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

import local.eventhubs
from tests.integration.eventhubs_service import HUB, Namespace, make_namespace, namespace
from tests.integration.kafka_service import Wire, deliver, producer, read, settings
from tests.waiting import PATIENCE, wait_until

__all__ = ["make_namespace", "namespace"]

METADATA = struct.pack(">i", -1)


def why_refused(namespace: Namespace, **options: Any) -> list[KafkaError]:
    """The errors that a client reports, once it was told that it is not let in."""
    errors: list[KafkaError] = []
    client = AdminClient({**settings(namespace, **options), "error_cb": errors.append, "log_level": 0})

    def refused() -> list[KafkaError]:
        client.poll(0.05)
        return [error for error in errors if error.code() == KafkaError._AUTHENTICATION]

    found: list[KafkaError] = wait_until(refused, "authentication to fail")
    return found


def password(**changes: str) -> str:
    fields = {
        "Endpoint": "sb://localhost", "SharedAccessKeyName": local.eventhubs.DEFAULT_KEY_NAME,
        "SharedAccessKey": local.eventhubs.DEFAULT_KEY, **changes,
    }  # fmt: skip
    return ";".join(f"{name}={value}" for name, value in fields.items() if value)


def test_the_reason_reaches_the_client(namespace: Namespace) -> None:
    for options, reason in [
        ({"sasl_password": password(SharedAccessKey="wrong")}, "wrong SharedAccessKey"),
        ({"sasl_password": password(SharedAccessKeyName="nobody")}, "no key named 'nobody'"),
        ({"sasl_password": password(SharedAccessKeyName="")}, "no SharedAccessKeyName"),
        ({"sasl_password": "Endpoint=sb://localhost;SharedAccessSignature=s"}, "shared access signature"),
        ({"sasl_username": "admin"}, "user name must be $ConnectionString"),
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "PLAIN"),
    ]:
        (error, *_) = why_refused(namespace, **options)
        assert reason in error.str()


def test_a_token_of_microsoft_entra_is_refused_with_a_reason(namespace: Namespace) -> None:
    (error, *_) = why_refused(
        namespace, sasl_mechanism="OAUTHBEARER", enable_sasl_oauthbearer_unsecure_jwt=True,
        sasl_oauthbearer_config="principal=someone",
    )  # fmt: skip
    assert "use the SASL mechanism PLAIN" in error.str()


def test_the_connection_string_of_the_emulator_is_taken_whole(namespace: Namespace) -> None:
    options = {"sasl_password": local.eventhubs.connection_string(namespace.port)}
    assert deliver(producer(namespace, **options), [{"value": b"v", "partition": 0}])[0].offset() == 0


def test_an_entity_path_opens_one_hub(namespace: Namespace) -> None:
    options = {"sasl_password": password(EntityPath=HUB.upper())}
    assert set(AdminClient(settings(namespace, **options)).list_topics(timeout=PATIENCE).topics) == {HUB}
    sender = producer(namespace, topic_metadata_propagation_max_ms=100, **options)
    deliver(sender, [{"value": b"v", "partition": 0}])
    with pytest.raises(KafkaException) as refused:
        deliver(sender, [{"value": b"v", "partition": 0}], topic="other")
    assert refused.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert [message.value() for message in read(namespace, 1)] == [b"v"]


def test_nothing_but_authentication_is_open_before_it(namespace: Namespace) -> None:
    for key, version, body in [
        (3, 1, METADATA),
        (0, 3, struct.pack(">hhii", -1, 1, 1_000, 0)),
        (1, 4, struct.pack(">iiiibi", -1, 0, 0, 1_000, 0, 0)),
        (10, 0, struct.pack(">h1s", 1, b"g")),
        (22, 0, struct.pack(">hi", -1, 1_000)),
        (19, 2, struct.pack(">iib", 0, 1_000, 0)),
    ]:
        with Wire(namespace) as wire:
            assert wire.ask(18, 0) is not None
            assert wire.ask(key, version, body) is None
        with Wire(namespace) as wire:
            # It is not the request itself that closed the connection.
            wire.authenticate()
            assert wire.ask(key, version, body) is not None
    with Wire(namespace) as wire:
        # neither a mechanism nor a token
        assert wire.ask(36, 0, struct.pack(">i", 0)) is not None
        assert wire.ask(3, 1, METADATA) is None


def test_a_client_that_failed_is_not_heard_again(namespace: Namespace) -> None:
    with Wire(namespace) as wire:
        with pytest.raises(AssertionError):
            wire.authenticate(password(SharedAccessKey="wrong"))
        assert wire.ask(3, 1, METADATA) is None


def test_tokens_as_they_came_before_there_was_a_request_for_them(namespace: Namespace) -> None:
    token = b"\0$ConnectionString\0" + password().encode()
    with Wire(namespace) as wire:
        assert wire.ask(17, 0, struct.pack(">h", 5) + b"PLAIN") is not None
        wire.send(token)
        assert wire.receive() == b""
        assert wire.ask(3, 1, METADATA) is not None
    with Wire(namespace) as wire:
        assert wire.ask(17, 0, struct.pack(">h", 5) + b"PLAIN") is not None
        wire.send(token[:-1])
        assert wire.receive() is None


def test_plaintext_lets_in_whoever_comes(make_namespace: Callable[..., Namespace]) -> None:
    namespace = make_namespace("--kafka-plaintext")
    deliver(producer(namespace, security_protocol="PLAINTEXT"), [{"value": b"v", "partition": 0}])
    assert [message.value() for message in read(namespace, 1)] == [b"v"]
