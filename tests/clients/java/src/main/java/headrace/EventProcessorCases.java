package headrace;

import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.EventProcessorClient;
import com.azure.messaging.eventhubs.EventProcessorClientBuilder;
import com.azure.messaging.eventhubs.LoadBalancingStrategy;
import com.azure.messaging.eventhubs.checkpointstore.blob.BlobCheckpointStore;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.SendOptions;
import com.azure.storage.blob.BlobContainerAsyncClient;
import com.azure.storage.blob.BlobServiceClientBuilder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListSet;

/** EventProcessorClient, whose checkpoints and ownership are blobs in Azurite. */
final class EventProcessorCases {
    private static final List<String> PARTITIONS = List.of("0", "1", "2", "3");
    private final Settings settings;
    private final String hub;

    EventProcessorCases(Settings settings, String hub) {
        this.settings = settings;
        this.hub = hub;
    }

    List<Case> all() {
        return List.of(
                new Case("event processor: resumes where it stopped", Duration.ofSeconds(40), this::resumes),
                new Case("event processor: two share the partitions", Duration.ofSeconds(60), this::share));
    }

    private void resumes() throws Exception {
        BlobContainerAsyncClient checkpoints = container();
        Queue<String> first = new ConcurrentLinkedQueue<>();
        Set<String> expected = send("before");
        run(processor(checkpoints, first, new ConcurrentSkipListSet<>()), () -> first.containsAll(expected));
        Expect.equal("events of the first", expected, new TreeSet<>(first));

        // What comes while it is away is not lost, what it has seen does not come again.
        Queue<String> second = new ConcurrentLinkedQueue<>();
        Set<String> after = send("after");
        run(processor(checkpoints, second, new ConcurrentSkipListSet<>()), () -> second.containsAll(after));
        Expect.equal("events of the second", after, new TreeSet<>(second));
        Expect.equal("each once", after.size(), second.size());
        checkpoints.delete().block();
    }

    private void share() throws Exception {
        BlobContainerAsyncClient checkpoints = container();
        Queue<String> events = new ConcurrentLinkedQueue<>();
        Set<String> ones = new ConcurrentSkipListSet<>();
        Set<String> others = new ConcurrentSkipListSet<>();
        EventProcessorClient one = processor(checkpoints, events, ones);
        EventProcessorClient other = processor(checkpoints, events, others);
        one.start();
        try {
            Expect.soon("the first has every partition", () -> ones.size() == 4);
            other.start();
            Expect.soon("each has two", () -> ones.size() == 2 && others.size() == 2);
            Set<String> both = new TreeSet<>(ones);
            both.addAll(others);
            Expect.equal("of both", new TreeSet<>(PARTITIONS), both);
            Set<String> sent = send("shared");
            Expect.soon("all events come", () -> events.containsAll(sent));
        } finally {
            one.stop();
            other.stop();
        }
        checkpoints.delete().block();
    }

    private static void run(EventProcessorClient processor, Callable<Boolean> until) throws Exception {
        processor.start();
        try {
            Expect.soon("the events come", until);
        } finally {
            processor.stop();
        }
    }

    /** A processor that checkpoints every event; {@code owned} are the partitions that it has at the time. */
    private EventProcessorClient processor(
            BlobContainerAsyncClient checkpoints, Queue<String> events, Set<String> owned) {
        Map<String, EventPosition> start = new ConcurrentHashMap<>();
        PARTITIONS.forEach(partition -> start.put(partition, EventPosition.earliest()));
        return new EventProcessorClientBuilder()
                .connectionString(settings.eventHubs(), hub)
                .consumerGroup(EventHubClientBuilder.DEFAULT_CONSUMER_GROUP_NAME)
                .checkpointStore(new BlobCheckpointStore(checkpoints))
                .initialPartitionEventPosition(start)
                .loadBalancingStrategy(LoadBalancingStrategy.GREEDY)
                .loadBalancingUpdateInterval(Duration.ofSeconds(1))
                .partitionOwnershipExpirationInterval(Duration.ofSeconds(10))
                .processPartitionInitialization(
                        context -> owned.add(context.getPartitionContext().getPartitionId()))
                .processPartitionClose(
                        context -> owned.remove(context.getPartitionContext().getPartitionId()))
                .processEvent(context -> {
                    events.add(context.getEventData().getBodyAsString());
                    context.updateCheckpoint();
                })
                .processError(context -> {})
                .buildEventProcessorClient();
    }

    /** Sends an event to each partition; their bodies. */
    private Set<String> send(String word) {
        Set<String> bodies = new TreeSet<>();
        try (EventHubProducerClient producer = new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), hub)
                .buildProducerClient()) {
            for (String partition : PARTITIONS) {
                bodies.add(word + " " + partition);
                producer.send(
                        List.of(new EventData(word + " " + partition)), new SendOptions().setPartitionId(partition));
            }
        }
        return bodies;
    }

    private BlobContainerAsyncClient container() {
        BlobContainerAsyncClient container = new BlobServiceClientBuilder()
                .connectionString(settings.storage())
                .buildAsyncClient()
                .getBlobContainerAsyncClient("java-" + UUID.randomUUID());
        container.create().block();
        return container;
    }
}
