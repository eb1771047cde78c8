package headrace;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** Kafka Streams: a topology with a windowed store, its state lost and found again. */
final class KafkaStreamsCases {
    private final Settings settings;

    KafkaStreamsCases(Settings settings) {
        this.settings = settings;
    }

    List<Case> all() {
        return List.of(new Case("kafka streams: windowed counts", Duration.ofSeconds(60), this::windowedCounts));
    }

    private void windowedCounts() throws Exception {
        String run = "java-" + UUID.randomUUID();
        String output = run + "-counts";
        Topics.create(settings, output);
        Instant minute = Instant.ofEpochSecond(Instant.now().getEpochSecond() / 60 * 60).minusSeconds(600);
        send(run, minute, "KCLT", 3);
        send(run, minute, "KRDU", 2);
        send(run, minute.plusSeconds(60), "KCLT", 4);
        Path state = Files.createTempDirectory("headrace-streams-");
        Map<String, Long> expected = new HashMap<>(
                Map.of("KCLT@" + minute, 3L, "KRDU@" + minute, 2L, "KCLT@" + minute.plusSeconds(60), 4L));
        try (KafkaStreams streams = new KafkaStreams(ReportsPerStation.topology(output, run), config(run, state))) {
            streams.start();
            awaitCounts(output, expected);
            streams.close(leaving());
            streams.cleanUp();
        }
        send(run, minute, "KCLT", 2);
        expected.put("KCLT@" + minute, 5L);
        AtomicLong restored = new AtomicLong();
        try (KafkaStreams streams = new KafkaStreams(ReportsPerStation.topology(output, run), config(run, state))) {
            streams.setGlobalStateRestoreListener(new Restored(restored));
            streams.start();
            awaitCounts(output, expected);
        }
        Expect.that(restored.get() > 0, "the store was restored");
    }

    private record Restored(AtomicLong records) implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) {}

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long total) {
            records.addAndGet(total);
        }
    }

    /** Without leaving, the group waits for who closed until its session expires (45 s), as in Kafka. */
    private static CloseOptions leaving() {
        return CloseOptions.groupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
    }

    private Properties config(String application, Path state) {
        Properties config = new Properties();
        config.putAll(settings.kafkaClient());
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        config.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        return config;
    }

    private void send(String sender, Instant when, String station, int count) {
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(settings.kafkaClient(), new StringSerializer(), new ByteArraySerializer())) {
            for (int i = 0; i < count; i++) {
                String body = """
                        {"kind": "weather", "station": "%s", "temperature_f": 71.5, "humidity": 40, "epoch": %d, "sender": "%s"}"""
                        .formatted(station, when.getEpochSecond() + i, sender);
                producer.send(new ProducerRecord<>("dev", body.getBytes(StandardCharsets.UTF_8)));
            }
        }
    }

    private void awaitCounts(String topic, Map<String, Long> expected) throws Exception {
        Map<String, Object> config = settings.kafkaClient();
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        try (KafkaConsumer<String, Long> consumer =
                new KafkaConsumer<>(config, new StringDeserializer(), new LongDeserializer())) {
            List<TopicPartition> partitions = new ArrayList<>();
            consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<String, Long> found = new HashMap<>();
            try {
                Expect.soon("the counts are " + expected, () -> {
                    for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(100))) {
                        found.put(record.key(), record.value());
                    }
                    return found.equals(expected);
                });
            } catch (AssertionError error) {
                throw new AssertionError(error.getMessage() + "; they are " + found);
            }
        }
    }
}
