package headrace;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.ThreadMetadata;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.StateRestoreListener;

/** An instance of a Kafka Streams application: its configuration, and what becomes of it. */
final class Instance {
    private Instance() {}

    /** An instance's configuration, with a state directory of its own. */
    static Properties config(Settings settings, String application) throws Exception {
        Properties config = new Properties();
        config.putAll(settings.kafkaClient());
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        config.put(
                StreamsConfig.STATE_DIR_CONFIG,
                Files.createTempDirectory(Path.of("target"), "state-").toString());
        config.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 1);
        // So that tests need not wait: each commit writes what the caches hold.
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
        config.put(StreamsConfig.PROBING_REBALANCE_INTERVAL_MS_CONFIG, 60_000);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 500);
        return config;
    }

    static KafkaStreams started(Topology topology, Properties config) {
        KafkaStreams streams = new KafkaStreams(topology, config);
        streams.start();
        return streams;
    }

    static void awaitRunning(KafkaStreams streams) throws Exception {
        Expect.soon("it runs", () -> streams.state() == KafkaStreams.State.RUNNING);
    }

    /**
     * Closes the instance, and deletes the state that it has here.
     *
     * <p>It leaves its group: else that waited for it until its session expires (45 s), as in Kafka.
     */
    static void leave(KafkaStreams streams) {
        streams.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
        streams.cleanUp();
    }

    /** How many tasks it has, active ones or standbys. */
    static int tasks(KafkaStreams streams, boolean active) {
        int count = 0;
        for (ThreadMetadata thread : streams.metadataForLocalThreads()) {
            count += (active ? thread.activeTasks() : thread.standbyTasks()).size();
        }
        return count;
    }

    /** How many tasks have state in the directory of a configuration. */
    static int stateOf(Properties config) throws Exception {
        Path directory = Path.of(
                config.getProperty(StreamsConfig.STATE_DIR_CONFIG),
                config.getProperty(StreamsConfig.APPLICATION_ID_CONFIG));
        if (!Files.exists(directory)) {
            return 0;
        }
        try (var files = Files.list(directory)) {
            return (int) files.filter(Files::isDirectory).count();
        }
    }

    /** Counts the records that stores were restored from. */
    record Restored(AtomicLong records) implements StateRestoreListener {
        @Override
        public void onRestoreStart(TopicPartition partition, String store, long from, long to) {}

        @Override
        public void onBatchRestored(TopicPartition partition, String store, long end, long count) {}

        @Override
        public void onRestoreEnd(TopicPartition partition, String store, long total) {
            records.addAndGet(total);
        }
    }
}
