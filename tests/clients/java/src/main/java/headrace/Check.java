package headrace;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;

/** Runs the cases of every client, or of those named; ends with status 1 when one failed. */
public final class Check {
    private static final Duration SET_UP = Duration.ofSeconds(60);

    private Check() {}

    public static void main(String[] chosen) {
        Settings settings = Settings.fromEnvironment();
        String run = "java-" + UUID.randomUUID().toString().substring(0, 8);
        // Each has hubs of its own, which nobody else uses.
        Map<String, Callable<List<Case>>> clients = new LinkedHashMap<>();
        clients.put("event-hubs", () -> new EventHubsCases(settings, Topics.create(settings, run + "-sent")).all());
        clients.put(
                "event-hubs-consumer",
                () -> new EventHubsConsumerCases(settings, Topics.create(settings, run + "-received")).all());
        clients.put(
                "event-processor",
                () -> new EventProcessorCases(settings, Topics.create(settings, run + "-processed")).all());
        clients.put("kafka", () -> new KafkaCases(settings, Topics.create(settings, run + "-records")).all());
        clients.put(
                "kafka-groups", () -> new KafkaGroupCases(settings, Topics.create(settings, run + "-groups")).all());
        clients.put("kafka-streams", () -> new KafkaStreamsCases(settings, run).all());
        clients.put("cosmos", () -> new CosmosCases(settings).all());
        clients.put("cosmos-queries", () -> new CosmosQueryCases(settings).all());
        clients.put("data-lake", () -> new DataLakeCases(settings).all());
        clients.put("chain", () -> new ChainCases(settings, run).all());
        int failed = 0;
        for (String name : chosen.length == 0 ? clients.keySet() : List.of(chosen)) {
            List<Case> cases = new ArrayList<>();
            boolean ready = new Case(
                            name + ": set up",
                            SET_UP,
                            () -> cases.addAll(named(name, clients).call()))
                    .holds();
            failed += ready ? 0 : 1;
            for (Case one : cases) {
                failed += one.holds() ? 0 : 1;
            }
        }
        // Clients keep threads of their own; what they hold ends with us.
        Runtime.getRuntime().halt(failed == 0 ? 0 : 1);
    }

    private static Callable<List<Case>> named(String name, Map<String, Callable<List<Case>>> clients) {
        Expect.that(clients.containsKey(name), "it is one of " + clients.keySet());
        return clients.get(name);
    }
}
