package headrace;

import java.util.HashMap;
import java.util.Map;

/** What {@code python -m local env} prints, and what clients make of it. */
record Settings(String eventHubs, String kafka, String cosmos, String dataLake, String storage) {
    static Settings fromEnvironment() {
        return new Settings(
                required("EventHubs"),
                required("EventHubs__kafkaBootstrapServers"),
                required("Cosmos"),
                required("DataLake"),
                required("AzureWebJobsStorage"));
    }

    /** What every Kafka client needs: the connection string is its password. */
    Map<String, Object> kafkaClient() {
        return kafkaClient(eventHubs);
    }

    Map<String, Object> kafkaClient(String connectionString) {
        Map<String, Object> client = new HashMap<>();
        client.put("bootstrap.servers", kafka);
        client.put("security.protocol", "SASL_PLAINTEXT");
        client.put("sasl.mechanism", "PLAIN");
        client.put(
                "sasl.jaas.config",
                "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"$ConnectionString\""
                        + " password=\"" + connectionString + "\";");
        return client;
    }

    /** The namespace's connection string with a key that is not its own. */
    String eventHubsWithWrongKey() {
        return eventHubs.replaceFirst("SharedAccessKey=[^;]+", "SharedAccessKey=bm90IHRoaXMga2V5");
    }

    /** A part of the connection string of Cosmos DB, whose client takes address and key apart. */
    String cosmosPart(String name) {
        for (String part : cosmos.split(";")) {
            if (part.startsWith(name + "=")) {
                return part.substring(name.length() + 1);
            }
        }
        throw new IllegalArgumentException("Cosmos: " + name + " is missing");
    }

    private static String required(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException(name + " is not set: python -m local env prints it");
        }
        return value;
    }
}
