package headrace;

import com.azure.core.amqp.exception.AmqpErrorCondition;
import com.azure.core.amqp.exception.AmqpException;
import com.azure.core.util.BinaryData;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventDataBatch;
import com.azure.messaging.eventhubs.EventHubBufferedProducerClient;
import com.azure.messaging.eventhubs.EventHubBufferedProducerClientBuilder;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerAsyncClient;
import com.azure.messaging.eventhubs.EventHubConsumerClient;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.PartitionProperties;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionEvent;
import com.azure.messaging.eventhubs.models.ReceiveOptions;
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
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.Disposable;

/** azure-messaging-eventhubs: sending and receiving, partition by partition. */
final class EventHubsCases {
    private final Settings settings;
    private final String hub;

    /** Events go to {@code hub}, of four partitions, which nobody else uses. */
    EventHubsCases(Settings settings, String hub) {
        this.settings = settings;
        this.hub = hub;
    }

    List<Case> all() {
        return List.of(
                new Case("event hubs: hub and partition properties", this::properties),
                new Case("event hubs: a batch with a partition key and properties of every type", this::partitionKey),
                new Case("event hubs: a partition id, and positions to receive from", this::positions),
                new Case("event hubs: a batch is full at 1 MB, and an event beyond it is refused", this::tooLarge),
                new Case("event hubs: a buffered producer keeps keys together", this::bufferedProducer),
                new Case("event hubs: a consumer group of its own, and none of another name", this::consumerGroups),
                new Case("event hubs: a higher owner level takes a partition over", this::ownerLevel),
                new Case("event hubs: a wrong key is refused at once", this::wrongKey));
    }

    private void properties() {
        try (EventHubConsumerClient consumer = consumer()) {
            Expect.equal("name", hub, consumer.getEventHubProperties().getName());
            Expect.equal("partitions", Set.of("0", "1", "2", "3"), new TreeSet<>(consumer.getPartitionIds().stream().toList()));
            Instant created = consumer.getEventHubProperties().getCreatedAt();
            Expect.that(created.isAfter(Instant.now().minusSeconds(600)), "the hub is new, not of " + created);
        }
        send("3", "one", "two");
        try (EventHubConsumerClient consumer = consumer()) {
            PartitionProperties partition = consumer.getPartitionProperties("3");
            Expect.equal("beginning", 0L, partition.getBeginningSequenceNumber());
            Expect.equal("last", 1L, partition.getLastEnqueuedSequenceNumber());
            Expect.equal("last offset", "1", partition.getLastEnqueuedOffset());
            Expect.that(!partition.isEmpty(), "the partition has events");
        }
    }

    private void partitionKey() {
        Instant before = Instant.now();
        Map<String, Object> properties = new HashMap<>(Map.of(
                "text", "Zürich", "int", 7, "long", 1L << 40, "double", 2.5, "flag", true,
                "id", UUID.fromString("0e1d0c9a-6f3e-4d55-9a43-0f2b9c1d2e3f")));
        try (EventHubProducerClient producer = producer()) {
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
            for (PartitionEvent event : receive(partition, EventPosition.earliest(), lastOf(partition) + 1)) {
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
            Expect.equal("partition", partition, found.get(i).getPartitionContext().getPartitionId());
            Expect.equal("body", "event " + i, event.getBodyAsString());
            Expect.equal("sequence number", first + i, event.getSequenceNumber());
            Expect.equal("offset", String.valueOf(first + i), event.getOffsetString());
            Expect.equal("message id", "message-" + i, event.getMessageId());
            Expect.equal("correlation id", "correlated", event.getCorrelationId());
            Expect.equal("content type", "text/plain", event.getContentType());
            properties.forEach((name, value) -> Expect.equal(name, value, event.getProperties().get(name)));
            Instant enqueued = event.getEnqueuedTime();
            // Enqueued times have milliseconds.
            Expect.that(
                    !enqueued.isBefore(before.minusMillis(1)) && !enqueued.isAfter(Instant.now()),
                    "it was enqueued now, not at " + enqueued);
        }
    }

    private void positions() throws Exception {
        send("2", "a", "b");
        long first = lastOf("2") - 1;
        Instant between = enqueued("2", first + 1).plusMillis(1);
        Expect.soon("the clock moved on", () -> Instant.now().isAfter(between));
        send("2", "c", "d");
        Expect.equal("from a sequence number", List.of("b", "c", "d"), bodies("2", EventPosition.fromSequenceNumber(first), 3));
        Expect.equal("from it on", List.of("a", "b", "c", "d"), bodies("2", EventPosition.fromSequenceNumber(first, true), 4));
        Expect.equal("from an offset", List.of("d"), bodies("2", EventPosition.fromOffsetString(String.valueOf(first + 2)), 1));
        Expect.equal("from a time", List.of("c", "d"), bodies("2", EventPosition.fromEnqueuedTime(between), 2));

        List<String> later = new ArrayList<>();
        try (EventHubConsumerAsyncClient consumer = builder().buildAsyncConsumerClient()) {
            ReceiveOptions options = new ReceiveOptions().setTrackLastEnqueuedEventProperties(true);
            AtomicReference<Long> last = new AtomicReference<>();
            Disposable receiving = consumer.receiveFromPartition("2", EventPosition.latest(), options)
                    .subscribe(event -> {
                        last.set(event.getLastEnqueuedEventProperties().getSequenceNumber());
                        later.add(event.getData().getBodyAsString());
                    });
            // Nothing tells when the receiver is there: what was sent before is not for it.
            Expect.soon("an event comes to who waits for the latest", () -> {
                send("2", "e");
                return !later.isEmpty();
            });
            receiving.dispose();
            Expect.equal("the latest", "e", later.get(0));
            Expect.that(last.get() >= first + 4, "the last enqueued event is known, not " + last.get());
        }
    }

    private void tooLarge() {
        try (EventHubProducerClient producer = producer()) {
            EventDataBatch batch = producer.createBatch();
            Expect.equal("most bytes", 1024 * 1024, batch.getMaxSizeInBytes());
            byte[] body = new byte[200_000];
            while (batch.tryAdd(new EventData(body))) {
                Expect.that(batch.getCount() < 6, "a batch of " + batch.getSizeInBytes() + " bytes is full");
            }
            Expect.equal("events in a full batch", 5, batch.getCount());
            producer.send(batch);
            AmqpException error = Expect.error(
                    AmqpException.class, () -> producer.send(List.of(new EventData(new byte[1_100_000]))));
            Expect.equal("condition", AmqpErrorCondition.LINK_PAYLOAD_SIZE_EXCEEDED, error.getErrorCondition());
        }
    }

    private void bufferedProducer() {
        Map<String, Set<String>> partitions = new ConcurrentHashMap<>();
        List<Throwable> failures = new ArrayList<>();
        try (EventHubBufferedProducerClient producer = new EventHubBufferedProducerClientBuilder()
                .connectionString(settings.eventHubs(), hub)
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

    private void consumerGroups() {
        EventHubClientBuilder tools = new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), "dev")
                .consumerGroup("tools");
        try (EventHubConsumerClient consumer = tools.buildConsumerClient()) {
            Expect.equal("name", "dev", consumer.getEventHubProperties().getName());
            Expect.equal("group", "tools", consumer.getConsumerGroup());
        }
        try (EventHubConsumerClient consumer = builder().consumerGroup("nobody").buildConsumerClient()) {
            AmqpException error = Expect.error(AmqpException.class, () -> consumer.receiveFromPartition(
                            "0", 1, EventPosition.earliest(), Duration.ofSeconds(10))
                    .stream()
                    .toList());
            Expect.equal("condition", AmqpErrorCondition.NOT_FOUND, error.getErrorCondition());
        }
    }

    private void ownerLevel() throws Exception {
        send("1", "owned");
        AtomicReference<Throwable> ended = new AtomicReference<>();
        List<String> found = new ArrayList<>();
        try (EventHubConsumerAsyncClient lower = builder().buildAsyncConsumerClient();
                EventHubConsumerAsyncClient higher = builder().buildAsyncConsumerClient()) {
            Disposable first = lower.receiveFromPartition(
                            "1", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(1L))
                    .subscribe(event -> found.add(event.getData().getBodyAsString()), ended::set);
            Expect.soon("the first owner receives", () -> !found.isEmpty());
            Disposable second = higher.receiveFromPartition(
                            "1", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(2L))
                    .subscribe();
            Expect.soon("the first owner is told", () -> ended.get() != null);
            first.dispose();
            second.dispose();
        }
        AmqpException error = Expect.error(AmqpException.class, () -> {
            throw (Exception) ended.get();
        });
        Expect.equal("condition", AmqpErrorCondition.LINK_STOLEN, error.getErrorCondition());
    }

    private void wrongKey() {
        EventHubClientBuilder builder = new EventHubClientBuilder().connectionString(settings.eventHubsWithWrongKey(), hub);
        try (EventHubProducerClient producer = builder.buildProducerClient()) {
            AmqpException error = Expect.error(AmqpException.class, () -> producer.send(List.of(new EventData("x"))));
            Expect.equal("condition", AmqpErrorCondition.UNAUTHORIZED_ACCESS, error.getErrorCondition());
        }
    }

    private EventHubClientBuilder builder() {
        return new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), hub)
                .consumerGroup(EventHubClientBuilder.DEFAULT_CONSUMER_GROUP_NAME);
    }

    private EventHubProducerClient producer() {
        return builder().buildProducerClient();
    }

    private EventHubConsumerClient consumer() {
        return builder().buildConsumerClient();
    }

    private void send(String partition, String... bodies) {
        try (EventHubProducerClient producer = producer()) {
            List<EventData> events = new ArrayList<>();
            for (String body : bodies) {
                events.add(new EventData(BinaryData.fromString(body)));
            }
            producer.send(events, new SendOptions().setPartitionId(partition));
        }
    }

    private int lastOf(String partition) {
        try (EventHubConsumerClient consumer = consumer()) {
            return (int) consumer.getPartitionProperties(partition).getLastEnqueuedSequenceNumber();
        }
    }

    private Instant enqueued(String partition, long sequence) {
        return receive(partition, EventPosition.fromSequenceNumber(sequence, true), 1)
                .get(0)
                .getData()
                .getEnqueuedTime();
    }

    private List<String> bodies(String partition, EventPosition from, int count) {
        return receive(partition, from, count).stream()
                .map(event -> event.getData().getBodyAsString())
                .toList();
    }

    private List<PartitionEvent> receive(String partition, EventPosition from, int count) {
        if (count == 0) {
            return List.of();
        }
        try (EventHubConsumerClient consumer = consumer()) {
            return consumer.receiveFromPartition(partition, count, from, Duration.ofSeconds(10)).stream().toList();
        }
    }
}
