"""Into a hub with a Kafka client: idempotent, acknowledged when stored, to the partitions that the SDK would choose."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tools.errors import explain
from tools.send import kafka_client
from tools.send.outgoing import Delivery, OnDelivery, Outgoing, SendFailed
from tools.send.partitions import partition_of

# librdkafka retries without end by itself. A namespace that cannot be connected to for so long is away; one that is
# slow to answer (throttled, or far) has longer: it is asked anew, with twice the patience each time.
_AWAY_SECONDS = 3.0
_CONNECT_PATIENCE = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_DELIVERY_SECONDS = 60.0
# How often callbacks run while we wait.
_POLL_SECONDS = 0.1
_ANY_PARTITION = -1  # RD_KAFKA_PARTITION_UA: the client's own choice
_DISCONNECTED = frozenset({KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._SSL})
_PURGED = frozenset({KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT})
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
            self._producer.flush(_AWAY_SECONDS)  # calls back for what was purged
            missing = len(events) - len(self._acknowledged)
            reason = explain(KafkaException(self._cause()))
            raise SendFailed(f"hub {self._hub} did not acknowledge {missing:,} events: {reason}", self._acknowledged)
        return self._acknowledged

    def close(self) -> None:
        """Drop what a failure left behind, as it was reported."""
        self._producer.purge()

    def _connect(self) -> int:
        """How many partitions the hub has. librdkafka says through callbacks what is wrong, and goes on trying."""
        failure = KafkaError(KafkaError._TIMED_OUT)
        for patience in _CONNECT_PATIENCE:
            try:
                return self._count_partitions(patience)
            except KafkaException as error:
                failure = error.args[0]
            if failure.code() in _NO_SUCH_HUB:
                raise KafkaException(failure)
            self._producer.poll(_POLL_SECONDS)
            if self._refusal or self._away():
                break
        raise KafkaException(self._refusal or self._disconnection or failure)

    def _count_partitions(self, patience: float) -> int:
        topic = self._producer.list_topics(self._hub, timeout=patience).topics[self._hub]
        if topic.error is not None:
            raise KafkaException(KafkaError(topic.error.code(), f"hub {self._hub}: {topic.error.str()}"))
        return len(topic.partitions)

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

    def _cause(self) -> KafkaError:
        """Why events were not acknowledged: what the broker said of one, or else what led to purging them all."""
        said = next((error for error in self._errors if error.code() not in _PURGED), None)
        unknown = KafkaError(KafkaError._FAIL, "librdkafka did not say why")
        return said or self._refusal or self._disconnection or unknown

    def _away(self) -> bool:
        """Whether a connection broke a while ago, and nothing was acknowledged since."""
        return self._disconnection is not None and time.monotonic() - self._away_since > _AWAY_SECONDS

    def _lost(self) -> bool:
        """Whether waiting for acknowledgements makes no sense any more."""
        if self._refusal:
            return True
        if not self._away():
            return False
        try:
            self._count_partitions(_AWAY_SECONDS)
        except KafkaException:
            return True
        self._disconnection = None  # it is there again, and only slow
        return False
