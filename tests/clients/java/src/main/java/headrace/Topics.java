package headrace;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;

/** Hubs that cases have for themselves. A Kafka client may create them where the stack was told to let it. */
final class Topics {
    private Topics() {}

    static void create(Settings settings, String name) throws Exception {
        create(settings, name, Map.of());
    }

    static void create(Settings settings, String name, Map<String, String> configs) throws Exception {
        try (Admin admin = Admin.create(settings.kafkaClient())) {
            admin.createTopics(List.of(new NewTopic(name, 4, (short) 1).configs(configs))).all().get();
        }
    }
}
