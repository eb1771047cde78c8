package headrace;

import com.azure.core.util.BinaryData;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerClient;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionEvent;
import com.azure.messaging.eventhubs.models.SendOptions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** A hub over AMQP, and the least code to send to it and to receive from it. */
record Hub(Settings settings, String name) {
    EventHubClientBuilder builder() {
        return new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), name)
                .consumerGroup(EventHubClientBuilder.DEFAULT_CONSUMER_GROUP_NAME);
    }

    EventHubProducerClient producer() {
        return builder().buildProducerClient();
    }

    EventHubConsumerClient consumer() {
        return builder().buildConsumerClient();
    }

    void send(String partition, String... bodies) {
        try (EventHubProducerClient producer = producer()) {
            List<EventData> events = new ArrayList<>();
            for (String body : bodies) {
                events.add(new EventData(BinaryData.fromString(body)));
            }
            producer.send(events, new SendOptions().setPartitionId(partition));
        }
    }

    int lastOf(String partition) {
        try (EventHubConsumerClient consumer = consumer()) {
            return (int) consumer.getPartitionProperties(partition).getLastEnqueuedSequenceNumber();
        }
    }

    Instant enqueued(String partition, long sequence) {
        return receive(partition, EventPosition.fromSequenceNumber(sequence, true), 1)
                .get(0)
                .getData()
                .getEnqueuedTime();
    }

    List<String> bodies(String partition, EventPosition from, int count) {
        return receive(partition, from, count).stream()
                .map(event -> event.getData().getBodyAsString())
                .toList();
    }

    List<PartitionEvent> receive(String partition, EventPosition from, int count) {
        if (count == 0) {
            return List.of();
        }
        try (EventHubConsumerClient consumer = consumer()) {
            return consumer.receiveFromPartition(partition, count, from, Duration.ofSeconds(10)).stream()
                    .toList();
        }
    }
}
