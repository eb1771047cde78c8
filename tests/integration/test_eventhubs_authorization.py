"""Shared access signatures are really checked: key, expiry and what they are for."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.aio import EventHubConsumerClient
from azure.eventhub.exceptions import AuthenticationError

import local.eventhubs
from local.eventhubs.sas import Key, sign
from tests.integration.eventhubs_service import (
    HUB,
    SOCKET_TIMEOUT,
    Namespace,
    make_namespace,
    namespace,
    receiving,
)
from tests.waiting import until

__all__ = ["make_namespace", "namespace"]

KEY = Key(local.eventhubs.DEFAULT_KEY_NAME, local.eventhubs.DEFAULT_KEY)


def signed(namespace: Namespace, *, hub: str = HUB, seconds: float = 3600, key: Key = KEY) -> AzureSasCredential:
    return AzureSasCredential(sign(key, f"sb://localhost:{namespace.port}/{hub}", int(time.time() + seconds)))


def producer(namespace: Namespace, credential: object) -> EventHubProducerClient:
    return EventHubProducerClient(
        f"localhost:{namespace.port}", HUB, credential, use_tls=False, retry_total=0, socket_timeout=SOCKET_TIMEOUT
    )


def test_a_signature_that_is_good(namespace: Namespace) -> None:
    for credential in (signed(namespace), AzureNamedKeyCredential(KEY.name, KEY.value)):
        with producer(namespace, credential) as client:
            client.send_event(EventData("let in"), partition_id="0")


def test_a_signature_that_is_not_good(namespace: Namespace) -> None:
    no_token = f"nonsense&se={int(time.time()) + 3600}"
    cases: list[tuple[str, object]] = [
        ("invalid signature", AzureNamedKeyCredential(KEY.name, "another key")),
        ("no key named 'Nobody'", AzureNamedKeyCredential("Nobody", KEY.value)),
        ("token is expired", signed(namespace, seconds=-1)),
        (f"token is for 'sb://localhost:{namespace.port}/other'", signed(namespace, hub="other")),
        ("token does not begin with", AzureSasCredential(no_token)),
    ]

    def refused(case: tuple[str, object]) -> None:
        reason, credential = case
        with producer(namespace, credential) as client:
            with pytest.raises(AuthenticationError, match=reason):
                client.send_event(EventData("kept out"), partition_id="0")
            with pytest.raises(AuthenticationError, match=reason):
                client.get_eventhub_properties()

    with ThreadPoolExecutor() as pool:
        list(pool.map(refused, cases))


async def test_a_consumer_whose_token_expires_is_cut_off(namespace: Namespace) -> None:
    namespace.send("before", partition_id="0")

    # GIVEN a token that nobody renews, for two seconds, or for as many as a consumer needs to get an event
    for seconds in (2, 8, 32):
        token = sign(KEY, f"sb://localhost:{namespace.port}/{HUB}", int(time.time()) + seconds)
        client = EventHubConsumerClient(
            f"localhost:{namespace.port}", HUB, "$Default", AzureSasCredential(token), use_tls=False, retry_total=0,
            load_balancing_interval=0.2, socket_timeout=SOCKET_TIMEOUT,
        )  # fmt: skip

        # WHEN it receives on beyond that, THEN it is detached, and not let in again
        async with receiving(client, partition_id="0", starting_position="-1") as received:
            await until(lambda received=received: received.errors, "the token to expire")
        if received.events:
            break
    assert received.bodies() == ["before"]
    assert any(isinstance(error, AuthenticationError) for error in received.errors), received.errors


def test_the_key_is_the_one_of_the_command_line(make_namespace: object) -> None:
    namespace = make_namespace("--key", "a key of one's own")  # type: ignore[operator]
    with (
        producer(namespace, AzureNamedKeyCredential(KEY.name, KEY.value)) as client,
        pytest.raises(AuthenticationError),
    ):
        client.send_event(EventData("kept out"))
    with EventHubProducerClient.from_connection_string(
        local.eventhubs.connection_string(namespace.port, "a key of one's own"), eventhub_name=HUB
    ) as client:
        client.send_event(EventData("let in"))
