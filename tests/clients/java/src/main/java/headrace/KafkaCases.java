package headrace;

import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerClient;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.qpid.proton.amqp.Binary;

/** kafka-clients: producing and consuming, and the same events over AMQP. */
final class KafkaCases {
    private final Settings settings;
    private final String topic;

    /** Records go to {@code topic}, of four partitions, which nobody else uses. */
    KafkaCases(Settings settings, String topic) {
        this.settings = settings;
        this.topic = topic;
    }

    List<Case> all() {
        return List.of(
                new Case("kafka: an idempotent producer, with keys, headers and every compression", this::produce),
                new Case("kafka: offsets by time, and seeking", this::offsets),
                new Case("kafka: what the SDK sent over AMQP", this::overAmqp),
                new Case("kafka: read by the SDK over AMQP", this::readOverAmqp),
                new Case("kafka: a record beyond a megabyte is refused", this::tooLarge),
                new Case("kafka: a wrong key is refused at once", this::wrongKey),
                new Case("kafka: a transaction is refused at once", this::transactions));
    }

    private void produce() throws Exception {
        Set<String> expected = new HashSet<>();
        for (String compression : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Map<String, Object> options = Map.of(ProducerConfig.COMPRESSION_TYPE_CONFIG, compression);
            try (KafkaProducer<String, String> producer = producer(options)) {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    ProducerRecord<String, String> record =
                            new ProducerRecord<>(topic, "key-" + i % 4, compression + " " + i);
                    record.headers().add("codec", compression.getBytes(StandardCharsets.UTF_8));
                    record.headers().add("empty", null);
                    sent.add(producer.send(record));
                    expected.add(record.value());
                }
                for (var metadata : sent) {
                    Expect.that(metadata.get().hasOffset(), "acknowledged with an offset");
                }
            }
        }
        Set<String> found = new HashSet<>();
        Set<String> places = new HashSet<>();
        for (ConsumerRecord<String, byte[]> record : read(expected.size(), expected::contains)) {
            String value = text(record.value());
            Expect.equal("key", "key-" + Integer.parseInt(value.split(" ")[1]) % 4, record.key());
            Expect.equal("header", value.split(" ")[0], text(record.headers().lastHeader("codec")));
            Expect.equal(
                    "empty header", null, record.headers().lastHeader("empty").value());
            Expect.equal("timestamp type", TimestampType.LOG_APPEND_TIME, record.timestampType());
            found.add(value);
            places.add(record.key() + " in " + record.partition());
        }
        Expect.equal("values", expected, found);
        Expect.equal("partitions of the four keys", 4, places.size());
    }

    private void offsets() throws Exception {
        TopicPartition partition = new TopicPartition(topic, 2);
        try (KafkaProducer<String, String> producer = producer(Map.of());
                KafkaConsumer<String, byte[]> consumer = consumer()) {
            RecordMetadata first =
                    producer.send(new ProducerRecord<>(topic, 2, null, "first")).get();
            Expect.soon("the clock moved on", () -> System.currentTimeMillis() > first.timestamp() + 1);
            RecordMetadata second = producer.send(new ProducerRecord<>(topic, 2, null, "second"))
                    .get();
            Expect.equal("offset", first.offset() + 1, second.offset());
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, first.timestamp() + 1))
                    .get(partition);
            Expect.equal("offset by time", second.offset(), found.offset());
            Expect.equal("its time", second.timestamp(), found.timestamp());
            Expect.equal(
                    "beginning",
                    0L,
                    consumer.beginningOffsets(List.of(partition)).get(partition));
            Expect.equal(
                    "end",
                    second.offset() + 1,
                    consumer.endOffsets(List.of(partition)).get(partition));
            consumer.assign(List.of(partition));
            consumer.seek(partition, second.offset());
            List<ConsumerRecord<String, byte[]>> records = new ArrayList<>();
            Expect.soon("a record comes", () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(records::add);
                return !records.isEmpty();
            });
            Expect.equal("value", "second", text(records.get(0).value()));
        }
    }

    private void overAmqp() throws Exception {
        try (EventHubProducerClient producer = hub().buildProducerClient()) {
            var batch = producer.createBatch(new CreateBatchOptions().setPartitionKey("28036"));
            EventData event = new EventData("over amqp").setMessageId("m-1").setContentType("text/plain");
            event.getProperties().put("station", "KCLT");
            batch.tryAdd(event);
            producer.send(batch);
        }
        ConsumerRecord<String, byte[]> record = read(1, "over amqp"::equals).get(0);
        Expect.equal("key", null, record.key());
        Expect.equal("partition key", "28036", text(record.headers().lastHeader("x-opt-partition-key")));
        Expect.equal("message id", "m-1", text(record.headers().lastHeader("message-id")));
        Expect.equal("content type", "text/plain", text(record.headers().lastHeader("content-type")));
        // An application property is AMQP-encoded: str8-utf8, its length, its text.
        Expect.equal(
                "property",
                "\u00a1\u0004KCLT",
                new String(record.headers().lastHeader("station").value(), StandardCharsets.ISO_8859_1));
    }

    private void readOverAmqp() throws Exception {
        RecordMetadata sent;
        try (KafkaProducer<String, String> producer = producer(Map.of())) {
            ProducerRecord<String, String> record = new ProducerRecord<>(topic, "a key", "over kafka");
            record.headers().add("station", "KRDU".getBytes(StandardCharsets.UTF_8));
            sent = producer.send(record).get();
        }
        try (EventHubConsumerClient consumer = hub().consumerGroup("$Default").buildConsumerClient()) {
            EventData event = consumer
                    .receiveFromPartition(
                            String.valueOf(sent.partition()),
                            1,
                            EventPosition.fromSequenceNumber(sent.offset(), true),
                            Duration.ofSeconds(10))
                    .stream()
                    .toList()
                    .get(0)
                    .getData();
            Expect.equal("body", "over kafka", event.getBodyAsString());
            Expect.equal("sequence number", sent.offset(), event.getSequenceNumber());
            Expect.equal("enqueued", sent.timestamp(), event.getEnqueuedTime().toEpochMilli());
            Expect.equal("partition key", null, event.getPartitionKey());
            Expect.equal("header", "KRDU", binary(event.getProperties().get("station")));
            Expect.equal(
                    "kafka key", "a key", binary(event.getSystemProperties().get("x-opt-kafka-key")));
        }
    }

    private void tooLarge() throws Exception {
        // Packed it is far below what a request may have: it is the event that is too large.
        Map<String, Object> options = Map.of(
                ProducerConfig.MAX_REQUEST_SIZE_CONFIG, 4_000_000, ProducerConfig.COMPRESSION_TYPE_CONFIG, "gzip");
        try (KafkaProducer<String, String> producer = producer(options)) {
            Expect.error(RecordTooLargeException.class, () -> producer.send(
                            new ProducerRecord<>(topic, 3, null, "x".repeat(1_100_000)))
                    .get());
            producer.send(new ProducerRecord<>(topic, 3, null, "x".repeat(1_000_000)))
                    .get();
        }
    }

    private void wrongKey() {
        Map<String, Object> config = settings.kafkaClient(settings.eventHubsWithWrongKey());
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            SaslAuthenticationException error = Expect.error(
                    SaslAuthenticationException.class,
                    () -> producer.send(new ProducerRecord<>(topic, "x")).get());
            Expect.that(error.getMessage().length() > 20, "it says why, not: " + error.getMessage());
        }
    }

    private void transactions() {
        Map<String, Object> options = Map.of(ProducerConfig.TRANSACTIONAL_ID_CONFIG, topic);
        try (KafkaProducer<String, String> producer = producer(options)) {
            Expect.error(TransactionalIdAuthorizationException.class, producer::initTransactions);
        }
    }

    private KafkaProducer<String, String> producer(Map<String, Object> options) {
        Map<String, Object> config = settings.kafkaClient();
        config.put(ProducerConfig.ACKS_CONFIG, "all");
        config.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
        config.putAll(options);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    private KafkaConsumer<String, byte[]> consumer() {
        Map<String, Object> config = settings.kafkaClient();
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        return new KafkaConsumer<>(config, new StringDeserializer(), new ByteArrayDeserializer());
    }

    private EventHubClientBuilder hub() {
        return new EventHubClientBuilder().connectionString(settings.eventHubs(), topic);
    }

    /** The topic's records for which {@code wanted} holds, once there are so many. */
    private List<ConsumerRecord<String, byte[]>> read(int count, Predicate<String> wanted) throws Exception {
        List<ConsumerRecord<String, byte[]>> found = new ArrayList<>();
        try (KafkaConsumer<String, byte[]> consumer = consumer()) {
            consumer.assign(consumer.partitionsFor(topic).stream()
                    .map(one -> new TopicPartition(topic, one.partition()))
                    .toList());
            Expect.soon(count + " records come", () -> {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    if (wanted.test(text(record.value()))) {
                        found.add(record);
                    }
                }
                return found.size() >= count;
            });
        }
        return found;
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static String text(Header header) {
        return text(header.value());
    }

    /** Headers and keys of Kafka are binary over AMQP, for which the SDK has no class of its own. */
    private static String binary(Object value) {
        return text(((Binary) value).getArray());
    }
}
