package headrace;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.ReadOnlyWindowStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/** Kafka Streams: stores that outlive their directory, windows by the events' own time, instances that share. */
final class KafkaStreamsCases {
    private static final Duration LONG = Duration.ofSeconds(90);
    // Ten minutes ago: what arrives now is not of now.
    private final Instant minute = Instant.now().truncatedTo(ChronoUnit.MINUTES).minusSeconds(600);
    private final Settings settings;
    private final String run;

    KafkaStreamsCases(Settings settings, String run) {
        this.settings = settings;
        this.run = run;
    }

    List<Case> all() {
        return List.of(
                new Case("kafka streams: windowed counts, restored from their changelog", LONG, this::counts),
                new Case("kafka streams: a table, restored with the times of its records", LONG, this::table),
                new Case("kafka streams: one result of each window, once it is over", LONG, this::suppressed),
                new Case("kafka streams: an instance takes over from its neighbour", LONG, this::takeOver),
                new Case("kafka streams: what it wrote to itself is deleted once read", LONG, this::purged),
                new Case("kafka streams: exactly-once is refused at once", this::exactlyOnce));
    }

    private void counts() throws Exception {
        String name = run + "-counts";
        Topics.create(settings, name + "-output");
        Topology topology = WeatherTopologies.counts(name, name + "-output");
        Properties config = Instance.config(settings, name);
        send(name, "KCLT", minute, 3);
        send(name, "KRDU", minute, 2);
        send(name, "KCLT", minute.plusSeconds(60), 4);
        Map<String, Long> expected =
                new HashMap<>(Map.of("KCLT@" + minute, 3L, "KRDU@" + minute, 2L, "KCLT@" + minute.plusSeconds(60), 4L));
        try (KafkaStreams streams = Instance.started(topology, config)) {
            Topics.awaitCounts(settings, name + "-output", expected);
            Instance.leave(streams);
        }
        Expect.equal("state that is left", 0, Instance.stateOf(config));

        send(name, "KCLT", minute.plusSeconds(30), 2);
        expected.put("KCLT@" + minute, 5L);
        Instance.Restored restored = new Instance.Restored(new AtomicLong());
        try (KafkaStreams streams = new KafkaStreams(topology, config)) {
            streams.setGlobalStateRestoreListener(restored);
            streams.start();
            Topics.awaitCounts(settings, name + "-output", expected);
            Expect.that(restored.records().get() >= 3, "three windows were restored, not " + restored.records());
            ReadOnlyWindowStore<String, Long> store = streams.store(
                    StoreQueryParameters.fromNameAndType(WeatherTopologies.COUNTS, QueryableStoreTypes.windowStore()));
            Expect.equal("of the window before", 5L, store.fetch("KCLT", minute.toEpochMilli()));
            Expect.equal("of what was restored alone", 2L, store.fetch("KRDU", minute.toEpochMilli()));
            Instance.leave(streams);
        }
    }

    private void table() throws Exception {
        String name = run + "-table";
        Topology topology = WeatherTopologies.warmest(name);
        Properties config = Instance.config(settings, name);
        Instant warmest = minute.plusSeconds(17);
        send(name, new WeatherReport("KCLT", 60, minute, name), new WeatherReport("KCLT", 71.5, warmest, name));
        for (boolean again : new boolean[] {false, true}) {
            try (KafkaStreams streams = Instance.started(topology, config)) {
                Instance.awaitRunning(streams);
                ReadOnlyKeyValueStore<String, ValueAndTimestamp<byte[]>> store =
                        streams.store(StoreQueryParameters.fromNameAndType(
                                WeatherTopologies.WARMEST, QueryableStoreTypes.timestampedKeyValueStore()));
                Expect.soon("the warmest is known", () -> {
                    ValueAndTimestamp<byte[]> found = store.get("KCLT");
                    return found != null && WeatherReport.of(found.value()).fahrenheit() == 71.5;
                });
                Expect.equal(
                        again ? "its time, restored" : "its time",
                        warmest.toEpochMilli(),
                        store.get("KCLT").timestamp());
                Instance.leave(streams);
            }
        }
    }

    private void suppressed() throws Exception {
        String name = run + "-final";
        Topics.create(settings, name + "-output");
        send(name, "KCLT", minute, 3);
        send(name, "KCLT", minute.plusSeconds(60), 2);
        // It closes the minutes before, and stays open itself.
        send(name, "KCLT", minute.plusSeconds(180), 1);
        try (KafkaStreams streams = Instance.started(
                WeatherTopologies.finalCounts(name, name + "-output"), Instance.config(settings, name))) {
            Topics.awaitCounts(
                    settings, name + "-output", Map.of("KCLT@" + minute, 3L, "KCLT@" + minute.plusSeconds(60), 2L));
            Instance.leave(streams);
        }
        Expect.equal("results", 2L, Topics.records(settings, name + "-output"));
    }

    private void takeOver() throws Exception {
        String name = run + "-shared";
        Topics.create(settings, name + "-output");
        Topology topology = WeatherTopologies.counts(name, name + "-output");
        Properties one = Instance.config(settings, name);
        Properties other = Instance.config(settings, name);
        send(name, "KCLT", minute, 3);
        try (KafkaStreams first = Instance.started(topology, one);
                KafkaStreams second = Instance.started(topology, other)) {
            Expect.soon(
                    "each has tasks of either kind",
                    () -> Instance.tasks(first, true) > 0
                            && Instance.tasks(second, true) > 0
                            && Instance.tasks(first, true) + Instance.tasks(second, true) == 8
                            && Instance.tasks(first, false) + Instance.tasks(second, false) == 4);
            Topics.awaitCounts(settings, name + "-output", Map.of("KCLT@" + minute, 3L));
            Instance.leave(first);
            Expect.soon("the second has them all", () -> Instance.tasks(second, true) == 8);
            send(name, "KCLT", minute, 2);
            Topics.awaitCounts(settings, name + "-output", Map.of("KCLT@" + minute, 5L));
            Instance.leave(second);
        }
    }

    private void purged() throws Exception {
        String name = run + "-purged";
        Properties config = Instance.config(settings, name);
        config.put(StreamsConfig.REPARTITION_PURGE_INTERVAL_MS_CONFIG, 200);
        send(name, "KCLT", minute, 20);
        TopicPartition[] partitions = new TopicPartition[4];
        for (int i = 0; i < 4; i++) {
            partitions[i] = new TopicPartition(name + "-" + WeatherTopologies.WARMEST + "-repartition", i);
        }
        try (KafkaStreams streams = Instance.started(WeatherTopologies.warmest(name), config);
                Admin admin = Admin.create(settings.kafkaClient())) {
            Instance.awaitRunning(streams);
            Expect.soon("all twenty came and went", () -> {
                long gone = 0;
                long left = 0;
                for (TopicPartition partition : partitions) {
                    long first = Topics.offset(admin, partition, OffsetSpec.earliest());
                    gone += first;
                    left += Topics.offset(admin, partition, OffsetSpec.latest()) - first;
                }
                return gone == 20 && left == 0;
            });
            Instance.leave(streams);
        }
    }

    private void exactlyOnce() throws Exception {
        String name = run + "-once";
        Properties config = Instance.config(settings, name);
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (KafkaStreams streams = new KafkaStreams(WeatherTopologies.warmest(name), config)) {
            streams.setUncaughtExceptionHandler(error -> {
                failure.set(error);
                return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
            });
            streams.start();
            Expect.soon("it gives up", () -> failure.get() != null);
            Expect.error(TransactionalIdAuthorizationException.class, () -> {
                throw (Exception) failure.get();
            });
            streams.close(Duration.ofSeconds(5));
        }
    }

    private void send(String sender, String station, Instant from, int count) throws Exception {
        WeatherReport[] reports = new WeatherReport[count];
        for (int i = 0; i < count; i++) {
            reports[i] = new WeatherReport(station, 60 + i, from.plusSeconds(i), sender);
        }
        send(sender, reports);
    }

    private void send(String sender, WeatherReport... reports) throws Exception {
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(settings.kafkaClient(), new StringSerializer(), new ByteArraySerializer())) {
            for (WeatherReport report : reports) {
                producer.send(new ProducerRecord<>("dev", sender, report.body()))
                        .get();
            }
        }
    }
}
