"""Into a hub with a Kafka client: idempotent, acknowledged when stored, to the partitions that the SDK would choose."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tools.errors import explain
from tools.send import kafka_client
from tools.send.outgoing import Delivery, OnDelivery, Outgoing, SendFailed
from tools.send.partitions import partition_of

# librdkafka retries without end by itself. A namespace that refuses connections, or breaks them, for so long is away;
# one that is only slow to answer (throttled, or far) has longer.
_AWAY_SECONDS = 3.0
_CONNECT_SECONDS = 15.0
_DELIVERY_SECONDS = 60.0
# How often callbacks run while we wait.
_POLL_SECONDS = 0.1
_ANY_PARTITION = -1  # RD_KAFKA_PARTITION_UA: the client's own choice
_DISCONNECTED = frozenset({KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._SSL})
_NO_SUCH_HUB = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED})
_REFUSED = frozenset({KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED})


class KafkaSender:
    """Sends with librdkafka's idempotent producer: within a partition nothing is repeated, lost or out of order."""

    def __init__(self, settings: Mapping[str, str], hub: str, on_delivery: OnDelivery | None = None) -> None:
        self._hub = hub
        self._on_delivery = on_delivery
        self._partitions = 0
        self._acknowledged: list[Outgoing] = []
        self._errors: list[KafkaError] = []
        self._refusal: KafkaError | None = None
        self._disconnection: KafkaError | None = None
        self._away_since = 0.0
        options = kafka_client.options(settings)
        if give_token := options.get("oauth_cb"):
            give_token("")  # an identity that fails says why; librdkafka would only say that no token came in 10 s
        self._producer = Producer(
            {
                **options, "enable.idempotence": True, "acks": "all",
                "delivery.timeout.ms": int(_DELIVERY_SECONDS * 1000), "error_cb": self._on_error,
            }
        )  # fmt: skip

    def send(self, events: list[Outgoing]) -> list[Outgoing]:
        """See `Sender`.

        Raises:
            KafkaException: the hub cannot be reached, or refuses us, at the first call.
        """
        if not self._partitions:
            self._partitions = self._connect()
        # A connection that broke while there was nothing to send is no reason to give up: it is made anew.
        self._acknowledged, self._errors, self._disconnection = [], [], None
        try:
            for event in events:
                self._produce(event)
        except KafkaException as error:
            self._errors.append(error.args[0])
        while self._producer.flush(_POLL_SECONDS) and not self._lost():
            pass
        if len(self._acknowledged) < len(events):
            self._producer.purge()
            self._producer.flush(_POLL_SECONDS)  # calls back for what was purged
            missing = len(events) - len(self._acknowledged)
            # What broke the connection says more than the purge that it led to.
            reason = explain(KafkaException(self._refusal or self._disconnection or self._errors[0]))
            raise SendFailed(f"hub {self._hub} did not acknowledge {missing:,} events: {reason}", self._acknowledged)
        return self._acknowledged

    def close(self) -> None:
        """Drop what a failure left behind, as it was reported."""
        self._producer.purge()

    def _connect(self) -> int:
        """How many partitions the hub has. librdkafka says through callbacks what is wrong, and goes on trying."""
        deadline = time.monotonic() + _CONNECT_SECONDS
        while True:
            try:
                topic = self._producer.list_topics(self._hub, timeout=_POLL_SECONDS).topics[self._hub]
                if topic.error is None:
                    return len(topic.partitions)
                raise KafkaException(KafkaError(topic.error.code(), f"hub {self._hub}: {topic.error.str()}"))
            except KafkaException as error:
                self._producer.poll(0)
                known = self._refusal or self._disconnection
                if error.args[0].code() in _NO_SUCH_HUB or self._lost() or time.monotonic() > deadline:
                    raise KafkaException(known) if known else error from None

    def _produce(self, event: Outgoing) -> None:
        partition = _ANY_PARTITION if event.key is None else partition_of(event.key, self._partitions)
        headers: list[tuple[str, str | bytes | None]] = [
            (name, value.encode()) for name, value in event.properties.items()
        ]

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._errors.append(error)
                return
            self._disconnection = None
            self._acknowledged.append(event)
            if self._on_delivery:
                self._on_delivery(Delivery(event, self._hub, str(message.partition()), message.offset()))

        key = None if event.key is None else event.key.encode()
        self._producer.produce(
            self._hub, event.body, key, headers=headers, partition=partition, on_delivery=on_delivery
        )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in _REFUSED:
            self._refusal = self._refusal or error
        elif error.code() in _DISCONNECTED and self._disconnection is None:
            self._disconnection, self._away_since = error, time.monotonic()

    def _lost(self) -> bool:
        """Whether waiting longer makes no sense."""
        away = self._disconnection is not None and time.monotonic() - self._away_since > _AWAY_SECONDS
        return away or self._refusal is not None
