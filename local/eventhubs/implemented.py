"""What of Event Hubs is here: Kafka's APIs by the table that serves them, AMQP and Capture by hand."""

from __future__ import annotations

from typing import Final

import kio.index

from local.eventhubs import cbs, config, management, ownership
from local.eventhubs.kafka.apis import APIS
from local.eventhubs.kafka.sasl import PLAIN
from local.eventhubs.producer_link import MAX_MESSAGE_SIZE
from local.ledger import Entry, Ledger, Table

_NAMESPACE: Final = (
    Entry(
        "Hubs, partitions, consumer groups",
        note=f"from a file in the format of Microsoft's emulator: up to {config.MAX_HUBS} hubs of "
        f"{config.MAX_PARTITIONS} partitions, {config.MAX_GROUPS} consumer groups each",
    ),
    Entry("Creating and changing hubs while it runs", here=False, note="but for Kafka's CreateTopics, with an option"),
    Entry("Durability", note="acknowledged when on disk; survives kill -9, not a power cut"),
    Entry("Retention", note="by time and size; what Capture has yet to write is kept beyond both"),
    Entry("Log compaction", here=False, note="a topic created with `cleanup.policy=compact` keeps every record"),
    Entry("Throughput units, throttling", here=False, note="never throttled"),
    Entry("Capture", note="Avro files in Blob storage, by time and size windows; every event in exactly one"),
    Entry("Capture to Data Lake by managed identity, Parquet", here=False),
    Entry("Schema registry, geo-replication, disaster recovery, event grid events", here=False),
    Entry("TLS, AMQP over WebSockets, HTTPS", here=False, note="plain TCP on loopback, as Microsoft's emulator"),
    Entry("Shared access signatures", note="of the namespace's one key: signature, expiry, audience"),
    Entry("Keys of a hub, of several rights (Send, Listen)", here=False, note="the one key may do all"),
    Entry("Microsoft Entra ID", here=False, note="refused: 401, and what to use"),
)  # fmt: skip

_AMQP: Final = (
    Entry("Send to a hub", note="by partition key (hashed as the service does), else in turn"),
    Entry("Send to a partition", note="`HUB/Partitions/N`"),
    Entry("Batches", note=f"one transfer of many events; {MAX_MESSAGE_SIZE:,} bytes at most"),
    Entry("Publishers (`HUB/Publishers/P`)", here=False, note="amqp:not-found"),
    Entry("Idempotent producers", note="on links to a partition, as `enableIdempotentRetries` asks; across restarts"),
    Entry("Receive", note="`HUB/ConsumerGroups/G/Partitions/N`, by credit, with drain"),
    Entry("Start positions", note="offset, sequence number, enqueued time, inclusive or not, the end"),
    Entry("Epochs (owner levels)", note=f"and {ownership.MAX_SHARED_RECEIVERS} receivers without one, as in Azure"),
    Entry("Last enqueued event properties", note="`track_last_enqueued_event_properties`"),
    Entry("Every AMQP type in properties and annotations", note="kept as it was sent"),
    Entry(f"`{management.NODE}`", note=f"READ of `{management.HUB}` and `{management.PARTITION}`"),
    Entry(f"`{cbs.NODE}`", note=f"put-token of `{cbs.SAS_TOKEN}`"),
    Entry("AMQP transactions, SASL mechanisms other than ANONYMOUS", here=False),
)  # fmt: skip

_KAFKA: Final = (
    Entry("Consumer groups", note="eager and cooperative, static members; kept on disk"),
    Entry("The group protocol of KIP-848", here=False, note="not among the APIs that clients are told of"),
    Entry("Idempotent producers", note="across reconnects and restarts"),
    Entry(
        "Settings of topics that clients create",
        note="`message.timestamp.type`, `cleanup.policy`, `retention.ms`; the others have no effect",
    ),
    Entry("Offsets by time", note="by when records were appended, also where they have their producers' times"),
    Entry("Transactions", here=False, note="refused at once (Azure: Premium and Dedicated)"),
    Entry("Compression", note="gzip, snappy, lz4, zstd; gzip alone with `--kafka-strict`, as in Azure"),
    Entry("Record batches before Kafka 0.11", here=False, note="UNSUPPORTED_FOR_MESSAGE_FORMAT"),
    Entry(f"SASL {PLAIN}", note="`$ConnectionString` and a connection string"),
    Entry("SASL OAUTHBEARER, TLS", here=False),
    Entry("Events of AMQP clients, and theirs of Kafka's", note="one log; [what maps to what](../../docs/kafka.md)"),
)  # fmt: skip


def ledger() -> Ledger:
    """What is here."""
    served = [
        Entry(_name(key), True, f"{key}: versions {api.versions.start} to {api.versions.stop - 1}")
        for key, api in sorted(APIS.items())
    ]
    return Ledger(
        "Event Hubs",
        "`python -m local.eventhubs` is a namespace for AMQP 1.0 and Kafka clients, on one log.",
        (
            Table("Namespace", _NAMESPACE),
            Table("AMQP 1.0", _AMQP),
            Table("Kafka", _KAFKA),
            Table(
                "Kafka's APIs", served,
                "By key, with the versions that clients are told of (ApiVersions). Others do not exist for them.",
            ),
        ),
    )  # fmt: skip


def _name(key: int) -> str:
    api = APIS[key]
    schema = kio.index.load_request_schema(key, api.versions.stop - 1)
    return schema.__name__.removesuffix("Request")
