package headrace;

import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.PartitionKey;
import com.azure.cosmos.models.SqlParameter;
import com.azure.cosmos.models.SqlQuerySpec;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.SendOptions;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** The function app behind the hub {@code dev}: what is sent to it comes out as a document of Cosmos DB. */
final class ChainCases {
    private static final ObjectMapper JSON = new ObjectMapper();
    private final Settings settings;
    private final String run;
    private final CosmosContainer events;

    ChainCases(Settings settings, String run) {
        this.settings = settings;
        this.run = run;
        events = CosmosCases.client(settings).getDatabase("dev").getContainer("events");
    }

    List<Case> all() {
        return List.of(
                new Case("chain: an event of the SDK becomes a document", Duration.ofSeconds(40), this::sdk),
                new Case("chain: an event of a Kafka client becomes a document", Duration.ofSeconds(40), this::kafka));
    }

    private void sdk() throws Exception {
        String sender = run + "-sdk";
        try (EventHubProducerClient producer = new EventHubClientBuilder()
                .connectionString(settings.eventHubs(), "dev")
                .buildProducerClient()) {
            producer.send(List.of(new EventData(place(sender))), new SendOptions().setPartitionKey("28036"));
        }
        awaitDocument(sender);
    }

    private void kafka() throws Exception {
        String sender = run + "-kafka";
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings.kafkaClient(), new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("dev", "28036", place(sender))).get();
        }
        awaitDocument(sender);
    }

    private static String place(String sender) {
        return JSON.createObjectNode()
                .put("postal_cd", "28036")
                .put("country_cd", "US")
                .put("city_name", "Davidson")
                .put("state_abbrv", "NC")
                .put("latitude", 35.4833)
                .put("longitude", -80.7983)
                .put("pk", "28036")
                .put("epoch", Instant.now().getEpochSecond())
                .put("sender", sender)
                .toString();
    }

    private void awaitDocument(String sender) throws Exception {
        SqlQuerySpec query = new SqlQuerySpec(
                "SELECT * FROM c WHERE c.sender = @sender", List.of(new SqlParameter("@sender", sender)));
        CosmosQueryRequestOptions options = new CosmosQueryRequestOptions().setPartitionKey(new PartitionKey("28036"));
        List<ObjectNode> found = new ArrayList<>();
        Expect.soon("its document is there", () -> {
            events.queryItems(query, options, ObjectNode.class).forEach(found::add);
            return !found.isEmpty();
        });
        Expect.equal("documents", 1, found.size());
        ObjectNode document = found.get(0);
        Expect.equal("kind", "place", document.path("kind").asText());
        Expect.equal("city", "Davidson", document.path("city").asText());
        Expect.equal("county", "Mecklenburg County", document.path("county").asText());
        Expect.equal("origin", "dev", document.path("origin").path("hub").asText());
    }
}
