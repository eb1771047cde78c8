package headrace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** kafka-clients: consumer groups, and what an admin client sees of them and of topics. */
final class KafkaGroupCases {
    private final Settings settings;
    private final String topic;

    /** Records go to {@code topic}, of four partitions, which nobody else uses. */
    KafkaGroupCases(Settings settings, String topic) {
        this.settings = settings;
        this.topic = topic;
    }

    List<Case> all() {
        return List.of(
                new Case("kafka groups: a group resumes at its commits", Duration.ofSeconds(40), this::resumes),
                new Case(
                        "kafka groups: two members share, eagerly",
                        Duration.ofSeconds(40),
                        () -> share(RangeAssignor.class)),
                new Case(
                        "kafka groups: two members share, cooperatively",
                        Duration.ofSeconds(40),
                        () -> share(CooperativeStickyAssignor.class)),
                new Case(
                        "kafka groups: a static member comes back to its partitions",
                        Duration.ofSeconds(40),
                        this::staticMember),
                new Case("kafka admin: topics, their settings and offsets", this::topics),
                new Case("kafka admin: groups, described, moved and deleted", Duration.ofSeconds(40), this::groups));
    }

    private void resumes() throws Exception {
        String group = name();
        Set<String> before = send("before");
        try (KafkaConsumer<String, String> consumer = member(group, Map.of())) {
            consumer.subscribe(List.of(topic));
            Set<String> found = new HashSet<>();
            Expect.soon("what was sent before comes", () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> found.add(record.value()));
                return found.containsAll(before);
            });
            consumer.commitSync();
        }
        Set<String> after = send("after");
        try (KafkaConsumer<String, String> consumer = member(group, Map.of())) {
            consumer.subscribe(List.of(topic));
            List<String> found = new ArrayList<>();
            Expect.soon("what was sent after comes", () -> {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> found.add(record.value()));
                return found.size() >= after.size();
            });
            Expect.equal("what comes again", after, new HashSet<>(found));
        }
    }

    private void share(Class<?> assignor) throws Exception {
        String group = name();
        Map<String, Object> options = Map.of(ConsumerConfig.PARTITION_ASSIGNMENT_STRATEGY_CONFIG, assignor.getName());
        try (KafkaConsumer<String, String> one = member(group, options)) {
            one.subscribe(List.of(topic));
            Expect.soon("the first has all", () -> poll(one).size() == 4);
            try (KafkaConsumer<String, String> other = member(group, options)) {
                other.subscribe(List.of(topic));
                Expect.soon(
                        "each has two",
                        () -> poll(one).size() == 2 & poll(other).size() == 2);
                Set<TopicPartition> both = new HashSet<>(one.assignment());
                both.addAll(other.assignment());
                Expect.equal("partitions of both", 4, both.size());
            }
            Expect.soon("the first has all again", () -> poll(one).size() == 4);
        }
    }

    private void staticMember() throws Exception {
        String group = name();
        KafkaConsumer<String, String> one = member(group, Map.of(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "one"));
        try (KafkaConsumer<String, String> other =
                member(group, Map.of(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "other"))) {
            one.subscribe(List.of(topic));
            other.subscribe(List.of(topic));
            Expect.soon(
                    "each has two", () -> poll(one).size() == 2 & poll(other).size() == 2);
            Set<TopicPartition> had = one.assignment();
            Set<TopicPartition> others = other.assignment();
            int generation = other.groupMetadata().generationId();
            one.close();
            try (KafkaConsumer<String, String> again =
                    member(group, Map.of(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, "one"))) {
                again.subscribe(List.of(topic));
                Expect.soon(
                        "it is back",
                        () -> poll(again).size() == 2 & poll(other).size() == 2);
                Expect.equal("its partitions", had, again.assignment());
                Expect.equal("the other's partitions", others, other.assignment());
                Expect.equal("generation", generation, other.groupMetadata().generationId());
            }
        }
    }

    private void topics() throws Exception {
        try (Admin admin = Admin.create(settings.kafkaClient())) {
            Set<String> names = admin.listTopics().names().get();
            Expect.that(names.containsAll(Set.of("dev", "places", "enriched", topic)), "hubs are topics: " + names);
            TopicDescription dev =
                    admin.describeTopics(List.of("dev")).allTopicNames().get().get("dev");
            Expect.equal("partitions of dev", 4, dev.partitions().size());
            Expect.equal("nodes", 1, admin.describeCluster().nodes().get().size());
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, "dev");
            var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            Expect.equal(
                    "timestamps",
                    "LogAppendTime",
                    config.get("message.timestamp.type").value());
            Expect.error(
                    TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic("dev", 4, (short) 1)))
                            .all()
                            .get());
            RecordMetadata sent;
            try (KafkaProducer<String, String> producer = producer()) {
                sent = producer.send(new ProducerRecord<>(topic, 0, null, "the newest"))
                        .get();
            }
            TopicPartition partition = new TopicPartition(topic, 0);
            Expect.equal("earliest", 0L, Topics.offset(admin, partition, OffsetSpec.earliest()));
            Expect.equal("latest", sent.offset() + 1, Topics.offset(admin, partition, OffsetSpec.latest()));
            Expect.equal("newest", sent.offset(), Topics.offset(admin, partition, OffsetSpec.maxTimestamp()));
            Expect.equal(
                    "by time",
                    sent.offset(),
                    Topics.offset(admin, partition, OffsetSpec.forTimestamp(sent.timestamp())));
        }
    }

    private void groups() throws Exception {
        String group = name();
        try (Admin admin = Admin.create(settings.kafkaClient())) {
            try (KafkaConsumer<String, String> consumer =
                    member(group, Map.of(ConsumerConfig.CLIENT_ID_CONFIG, "the-member"))) {
                consumer.subscribe(List.of(topic));
                Expect.soon("it has all", () -> poll(consumer).size() == 4);
                consumer.commitSync(Map.of(
                        new TopicPartition(topic, 1), new OffsetAndMetadata(0, "noted"),
                        new TopicPartition(topic, 2), new OffsetAndMetadata(0)));
                ConsumerGroupDescription found =
                        admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                Expect.equal("state", GroupState.STABLE, found.groupState());
                MemberDescription member = found.members().iterator().next();
                Expect.equal("client", "the-member", member.clientId());
                Expect.equal(
                        "partitions", 4, member.assignment().topicPartitions().size());
            }
            Expect.that(
                    admin.listGroups().all().get().stream()
                            .anyMatch(one -> one.groupId().equals(group)),
                    "the group is listed");
            TopicPartition partition = new TopicPartition(topic, 1);
            OffsetAndMetadata noted = offset(admin, group, partition);
            Expect.equal("metadata", "noted", noted.metadata());
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(1)))
                    .all()
                    .get();
            Expect.equal("moved", 1L, offset(admin, group, partition).offset());
            admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get();
            Expect.equal("deleted", null, offset(admin, group, partition));
            admin.deleteConsumerGroups(List.of(group)).all().get();
            Expect.that(
                    admin.listGroups().all().get().stream()
                            .noneMatch(one -> one.groupId().equals(group)),
                    "the group is gone");
        }
    }

    private static OffsetAndMetadata offset(Admin admin, String group, TopicPartition partition) throws Exception {
        return admin.listConsumerGroupOffsets(group)
                .partitionsToOffsetAndMetadata()
                .get()
                .get(partition);
    }

    private static Set<TopicPartition> poll(KafkaConsumer<String, String> consumer) {
        consumer.poll(Duration.ofMillis(100));
        return consumer.assignment();
    }

    private KafkaConsumer<String, String> member(String group, Map<String, Object> options) {
        Map<String, Object> config = settings.kafkaClient();
        config.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        config.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        config.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        config.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 300);
        config.putAll(options);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    /** Sends two records to each partition; their values. */
    private Set<String> send(String word) throws Exception {
        Set<String> values = new HashSet<>();
        try (KafkaProducer<String, String> producer = producer()) {
            for (int i = 0; i < 8; i++) {
                String value = word + " " + i;
                producer.send(new ProducerRecord<>(topic, i % 4, null, value));
                values.add(value);
            }
        }
        return values;
    }

    private KafkaProducer<String, String> producer() {
        return new KafkaProducer<>(settings.kafkaClient(), new StringSerializer(), new StringSerializer());
    }

    private static String name() {
        return "java-" + UUID.randomUUID();
    }
}
