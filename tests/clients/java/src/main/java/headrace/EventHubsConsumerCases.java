package headrace;

import com.azure.core.amqp.exception.AmqpErrorCondition;
import com.azure.core.amqp.exception.AmqpException;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerAsyncClient;
import com.azure.messaging.eventhubs.EventHubConsumerClient;
import com.azure.messaging.eventhubs.PartitionProperties;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.ReceiveOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import reactor.core.Disposable;

/** azure-messaging-eventhubs: receiving, partition by partition. */
final class EventHubsConsumerCases {
    private final Settings settings;
    private final Hub hub;

    /** Events go to a hub of four partitions, {@code name}, which nobody else uses. */
    EventHubsConsumerCases(Settings settings, String name) {
        this.settings = settings;
        hub = new Hub(settings, name);
    }

    List<Case> all() {
        return List.of(
                new Case("event hubs: hub and partition properties", this::properties),
                new Case("event hubs: a partition id, and positions to receive from", this::positions),
                new Case("event hubs: a consumer group of its own, and none of another name", this::consumerGroups),
                new Case("event hubs: a higher owner level takes a partition over", this::ownerLevel));
    }

    private void properties() {
        try (EventHubConsumerClient consumer = hub.consumer()) {
            Expect.equal("name", hub.name(), consumer.getEventHubProperties().getName());
            Expect.equal(
                    "partitions",
                    Set.of("0", "1", "2", "3"),
                    new TreeSet<>(consumer.getPartitionIds().stream().toList()));
            Instant created = consumer.getEventHubProperties().getCreatedAt();
            Expect.that(created.isAfter(Instant.now().minusSeconds(600)), "the hub is new, not of " + created);
        }
        hub.send("3", "one", "two");
        try (EventHubConsumerClient consumer = hub.consumer()) {
            PartitionProperties partition = consumer.getPartitionProperties("3");
            Expect.equal("beginning", 0L, partition.getBeginningSequenceNumber());
            Expect.equal("last", 1L, partition.getLastEnqueuedSequenceNumber());
            Expect.equal("last offset", "1", partition.getLastEnqueuedOffset());
            Expect.that(!partition.isEmpty(), "the partition has events");
        }
    }

    private void positions() throws Exception {
        hub.send("2", "a", "b");
        long first = hub.lastOf("2") - 1;
        Instant between = hub.enqueued("2", first + 1).plusMillis(1);
        Expect.soon("the clock moved on", () -> Instant.now().isAfter(between));
        hub.send("2", "c", "d");
        Expect.equal(
                "from a sequence number",
                List.of("b", "c", "d"),
                hub.bodies("2", EventPosition.fromSequenceNumber(first), 3));
        Expect.equal(
                "from it on",
                List.of("a", "b", "c", "d"),
                hub.bodies("2", EventPosition.fromSequenceNumber(first, true), 4));
        Expect.equal(
                "from an offset",
                List.of("d"),
                hub.bodies("2", EventPosition.fromOffsetString(String.valueOf(first + 2)), 1));
        Expect.equal("from a time", List.of("c", "d"), hub.bodies("2", EventPosition.fromEnqueuedTime(between), 2));

        List<String> later = new CopyOnWriteArrayList<>();
        try (EventHubConsumerAsyncClient consumer = hub.builder().buildAsyncConsumerClient()) {
            ReceiveOptions options = new ReceiveOptions().setTrackLastEnqueuedEventProperties(true);
            AtomicReference<Long> last = new AtomicReference<>();
            Disposable receiving = consumer.receiveFromPartition("2", EventPosition.latest(), options)
                    .subscribe(event -> {
                        last.set(event.getLastEnqueuedEventProperties().getSequenceNumber());
                        later.add(event.getData().getBodyAsString());
                    });
            // Nothing tells when the receiver is there: what was sent before is not for it.
            Expect.soon("an event comes to who waits for the latest", () -> {
                hub.send("2", "e");
                return !later.isEmpty();
            });
            receiving.dispose();
            Expect.equal("the latest", "e", later.get(0));
            Expect.that(last.get() >= first + 4, "the last enqueued event is known, not " + last.get());
        }
    }

    private void consumerGroups() {
        EventHubClientBuilder tools = new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), "dev")
                .consumerGroup("tools");
        try (EventHubConsumerClient consumer = tools.buildConsumerClient()) {
            Expect.equal("name", "dev", consumer.getEventHubProperties().getName());
            Expect.equal("group", "tools", consumer.getConsumerGroup());
        }
        try (EventHubConsumerClient consumer =
                hub.builder().consumerGroup("nobody").buildConsumerClient()) {
            AmqpException error = Expect.error(
                    AmqpException.class,
                    () ->
                            consumer
                                    .receiveFromPartition("0", 1, EventPosition.earliest(), Duration.ofSeconds(10))
                                    .stream()
                                    .toList());
            Expect.equal("condition", AmqpErrorCondition.NOT_FOUND, error.getErrorCondition());
        }
    }

    private void ownerLevel() throws Exception {
        hub.send("1", "owned");
        AtomicReference<Throwable> ended = new AtomicReference<>();
        List<String> found = new CopyOnWriteArrayList<>();
        try (EventHubConsumerAsyncClient lower = hub.builder().buildAsyncConsumerClient();
                EventHubConsumerAsyncClient higher = hub.builder().buildAsyncConsumerClient()) {
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
}
