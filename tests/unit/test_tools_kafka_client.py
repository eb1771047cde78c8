"""The options of a Kafka client come from the settings of Event Hubs, and its partitions from the SDK's hash."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from azure.eventhub._buffered_producer._partition_resolver import PartitionResolver
from confluent_kafka import KafkaError, KafkaException
from hypothesis import given
from hypothesis import strategies as st

from local import eventhubs
from shared.settings import SettingsError
from tools.errors import explain
from tools.send import kafka_client
from tools.send.partitions import partition_of

AZURE = "Endpoint=sb://one.servicebus.windows.net/;SharedAccessKeyName=k;SharedAccessKey=s="


def test_in_azure_it_is_tls_on_9093_with_the_connection_string() -> None:
    options = kafka_client.options({"EventHubs": AZURE})
    assert options["bootstrap.servers"] == "one.servicebus.windows.net:9093"
    assert (options["security.protocol"], options["sasl.mechanism"]) == ("SASL_SSL", "PLAIN")
    assert (options["sasl.username"], options["sasl.password"]) == ("$ConnectionString", AZURE)


def test_on_a_laptop_it_is_plain_tcp_on_9092() -> None:
    options = kafka_client.options({"EventHubs": eventhubs.connection_string(5672)})
    assert (options["bootstrap.servers"], options["security.protocol"]) == ("localhost:9092", "SASL_PLAINTEXT")


def test_a_setting_says_otherwise_but_not_for_the_producers_namespace() -> None:
    settings = {"EventHubs": eventhubs.connection_string(5679), "EventHubs__kafkaBootstrapServers": "localhost:9099"}
    assert kafka_client.options(settings)["bootstrap.servers"] == "localhost:9099"
    settings["AZURE_STREAMPOC_EVENTHUB_CONN_STRING"] = AZURE
    assert kafka_client.options(settings)["bootstrap.servers"] == "one.servicebus.windows.net:9093"


def test_an_identity_gets_tokens_for_its_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get_token(scope: str) -> SimpleNamespace:
        asked.append(scope)
        return SimpleNamespace(token="the token", expires_on=1_795_338_000)

    monkeypatch.setattr("azure.identity.DefaultAzureCredential", lambda **_: SimpleNamespace(get_token=get_token))
    options = kafka_client.options({"EventHubs__fullyQualifiedNamespace": "one.servicebus.windows.net"})
    assert (options["security.protocol"], options["sasl.mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert options["bootstrap.servers"] == "one.servicebus.windows.net:9093"
    assert options["oauth_cb"]("") == ("the token", 1_795_338_000.0)
    assert asked == ["https://one.servicebus.windows.net/.default"]


@pytest.mark.parametrize("text", ["Endpoint=nothing", "nonsense", "Endpoint=sb://;SharedAccessKey=s"])
def test_a_string_without_a_namespace_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="EventHubs: "):
        kafka_client.options({"EventHubs": text})


@given(st.text(st.characters(max_codepoint=0xFFFF), min_size=1, max_size=40), st.integers(1, 32))
def test_a_key_goes_where_the_sdk_sends_it(key: str, partitions: int) -> None:
    resolver = PartitionResolver([str(number) for number in range(partitions)])
    assert str(partition_of(key, partitions)) == resolver.get_partition_id_by_partition_key(key)


def test_a_key_with_a_negative_hash_goes_where_the_sdk_sends_it() -> None:
    # -22341 of azure-sdk-for-net's PartitionResolverTests: the service takes abs(hash) % n, this SDK abs(hash % n).
    assert partition_of("FWfAT", 4) == -22_341 % 4 == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (KafkaError._AUTHENTICATION, "access was refused"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "access was refused"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "no such hub"),
        (KafkaError._TRANSPORT, "cannot be reached"),
        (KafkaError._TIMED_OUT, "python -m local up"),
        (KafkaError.KAFKA_STORAGE_ERROR, "KAFKA_STORAGE_ERROR"),
    ],
)
def test_a_failure_becomes_one_line(code: int, words: str) -> None:
    line = explain(KafkaException(KafkaError(code, "said so\nand more")))
    assert line is not None
    assert words in line
    assert "said so" in line
    assert "\n" not in line
