package headrace;

import com.azure.core.amqp.exception.AmqpErrorCondition;
import com.azure.core.amqp.exception.AmqpException;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventDataBatch;
import com.azure.messaging.eventhubs.EventHubBufferedProducerClient;
import com.azure.messaging.eventhubs.EventHubBufferedProducerClientBuilder;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionEvent;
import com.azure.messaging.eventhubs.models.SendOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** azure-messaging-eventhubs: sending. */
final class EventHubsCases {
    private final Settings settings;
    private final Hub hub;

    /** Events go to a hub of four partitions, {@code name}, which nobody else uses. */
    EventHubsCases(Settings settings, String name) {
        this.settings = settings;
        hub = new Hub(settings, name);
    }

    List<Case> all() {
        return List.of(
                new Case("event hubs: a batch with a partition key and properties of every type", this::partitionKey),
                new Case("event hubs: a batch is full at 1 MB, and an event beyond it is refused", this::tooLarge),
                new Case("event hubs: a buffered producer keeps keys together", this::bufferedProducer),
                new Case("event hubs: a wrong key is refused at once", this::wrongKey));
    }

    private void partitionKey() {
        Instant before = Instant.now();
        Map<String, Object> properties = new HashMap<>(Map.of(
                "text",
                "Zürich",
                "int",
                7,
                "long",
                1L << 40,
                "double",
                2.5,
                "flag",
                true,
                "id",
                UUID.fromString("0e1d0c9a-6f3e-4d55-9a43-0f2b9c1d2e3f")));
        try (EventHubProducerClient producer = hub.producer()) {
            EventDataBatch batch = producer.createBatch(new CreateBatchOptions().setPartitionKey("28036"));
            for (int i = 0; i < 3; i++) {
                EventData event = new EventData("event " + i)
                        .setContentType("text/plain")
                        .setMessageId("message-" + i)
                        .setCorrelationId("correlated");
                event.getProperties().putAll(properties);
                Expect.that(batch.tryAdd(event), "a small event fits");
            }
            producer.send(batch);
        }
        List<PartitionEvent> found = new ArrayList<>();
        for (String partition : List.of("0", "1", "2", "3")) {
            for (PartitionEvent event : hub.receive(partition, EventPosition.earliest(), hub.lastOf(partition) + 1)) {
                if ("28036".equals(event.getData().getPartitionKey())) {
                    found.add(event);
                }
            }
        }
        Expect.equal("events with the key", 3, found.size());
        String partition = found.get(0).getPartitionContext().getPartitionId();
        long first = found.get(0).getData().getSequenceNumber();
        for (int i = 0; i < 3; i++) {
            EventData event = found.get(i).getData();
            Expect.equal(
                    "partition", partition, found.get(i).getPartitionContext().getPartitionId());
            Expect.equal("body", "event " + i, event.getBodyAsString());
            Expect.equal("sequence number", first + i, event.getSequenceNumber());
            Expect.equal("offset", String.valueOf(first + i), event.getOffsetString());
            Expect.equal("message id", "message-" + i, event.getMessageId());
            Expect.equal("correlation id", "correlated", event.getCorrelationId());
            Expect.equal("content type", "text/plain", event.getContentType());
            properties.forEach((name, value) ->
                    Expect.equal(name, value, event.getProperties().get(name)));
            Instant enqueued = event.getEnqueuedTime();
            // Enqueued times have milliseconds.
            Expect.that(
                    !enqueued.isBefore(before.minusMillis(1)) && !enqueued.isAfter(Instant.now()),
                    "it was enqueued now, not at " + enqueued);
        }
    }

    private void tooLarge() {
        try (EventHubProducerClient producer = hub.producer()) {
            EventDataBatch batch = producer.createBatch();
            Expect.equal("most bytes", 1024 * 1024, batch.getMaxSizeInBytes());
            byte[] body = new byte[200_000];
            while (batch.tryAdd(new EventData(body))) {
                Expect.that(batch.getCount() < 6, "a batch of " + batch.getSizeInBytes() + " bytes is full");
            }
            Expect.equal("events in a full batch", 5, batch.getCount());
            producer.send(batch);
            AmqpException error =
                    Expect.error(AmqpException.class, () -> producer.send(List.of(new EventData(new byte[1_100_000]))));
            Expect.equal("condition", AmqpErrorCondition.LINK_PAYLOAD_SIZE_EXCEEDED, error.getErrorCondition());
        }
    }

    private void bufferedProducer() {
        Map<String, Set<String>> partitions = new ConcurrentHashMap<>();
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        try (EventHubBufferedProducerClient producer = new EventHubBufferedProducerClientBuilder()
                .connectionString(settings.eventHubs(), hub.name())
                .maxWaitTime(Duration.ofMillis(200))
                .onSendBatchSucceeded(batch -> batch.getEvents().forEach(event -> partitions
                        .computeIfAbsent(event.getBodyAsString(), key -> ConcurrentHashMap.newKeySet())
                        .add(batch.getPartitionId())))
                .onSendBatchFailed(batch -> failures.add(batch.getThrowable()))
                .buildClient()) {
            for (int i = 0; i < 200; i++) {
                String key = "key-" + i % 20;
                producer.enqueueEvent(new EventData(key), new SendOptions().setPartitionKey(key));
            }
            producer.flush();
        }
        Expect.equal("failures", List.of(), failures);
        Expect.equal("keys sent", 20, partitions.size());
        partitions.forEach((key, ids) -> Expect.equal("partitions of " + key, 1, ids.size()));
        Set<String> used = new TreeSet<>();
        partitions.values().forEach(used::addAll);
        Expect.that(used.size() > 1, "keys are spread, not all in " + used);
    }

    private void wrongKey() {
        EventHubClientBuilder builder =
                new EventHubClientBuilder().connectionString(settings.eventHubsWithWrongKey(), hub.name());
        try (EventHubProducerClient producer = builder.buildProducerClient()) {
            AmqpException error = Expect.error(AmqpException.class, () -> producer.send(List.of(new EventData("x"))));
            Expect.equal("condition", AmqpErrorCondition.UNAUTHORIZED_ACCESS, error.getErrorCondition());
        }
    }
}
