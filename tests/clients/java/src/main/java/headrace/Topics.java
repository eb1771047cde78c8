package headrace;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Topics, which are hubs: a Kafka client may create some where the stack was told to let it. */
final class Topics {
    private Topics() {}

    /** Creates a topic of four partitions; its name. */
    static String create(Settings settings, String name) throws Exception {
        try (Admin admin = Admin.create(settings.kafkaClient())) {
            admin.createTopics(List.of(new NewTopic(name, 4, (short) 1))).all().get();
        }
        return name;
    }

    static long offset(Admin admin, TopicPartition partition, OffsetSpec where) throws Exception {
        return admin.listOffsets(Map.of(partition, where))
                .partitionResult(partition)
                .get()
                .offset();
    }

    /** How many records were ever sent to the topic. */
    static long records(Settings settings, String topic) throws Exception {
        long end = 0;
        try (Admin admin = Admin.create(settings.kafkaClient())) {
            for (int i = 0; i < 4; i++) {
                end += offset(admin, new TopicPartition(topic, i), OffsetSpec.latest());
            }
        }
        return end;
    }

    /** Waits until the newest values of the topic's keys are these. */
    static void awaitCounts(Settings settings, String topic, Map<String, Long> expected) throws Exception {
        Map<String, Object> config = settings.kafkaClient();
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        Map<String, Long> found = new HashMap<>();
        try (KafkaConsumer<String, Long> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
            consumer.assign(consumer.partitionsFor(topic).stream()
                    .map(one -> new TopicPartition(topic, one.partition()))
                    .toList());
            Expect.soon("counts", () -> {
                for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(100))) {
                    found.put(record.key(), record.value());
                }
                return found.equals(expected);
            });
        } catch (AssertionError error) {
            Expect.equal("counts", expected, found);
        }
    }
}
