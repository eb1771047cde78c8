package headrace;

import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/** Runs every case, or those whose names begin with the words given; ends with status 1 when one failed. */
public final class Check {
    private Check() {}

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.fromEnvironment();
        String run = "java-" + UUID.randomUUID().toString().substring(0, 8);
        Topics.create(settings, run + "-events");
        Topics.create(settings, run + "-processed");
        Topics.create(settings, run + "-records");
        Topics.create(settings, run + "-groups");
        String chosen = String.join(" ", arguments);
        List<Case> cases = Stream.of(
                        new EventHubsCases(settings, run + "-events").all(),
                        new EventProcessorCases(settings, run + "-processed").all(),
                        new KafkaCases(settings, run + "-records").all(),
                        new KafkaGroupCases(settings, run + "-groups").all(),
                        new CosmosCases(settings).all(),
                        new CosmosQueryCases(settings).all(),
                        new DataLakeCases(settings).all(),
                        new ChainCases(settings, run).all(),
                        new KafkaStreamsCases(settings).all())
                .flatMap(List::stream)
                .filter(one -> one.name().startsWith(chosen))
                .toList();
        long failed = cases.stream().filter(one -> !one.holds()).count();
        System.out.printf("%d cases, %d failed%n", cases.size(), failed);
        // Clients keep threads of their own; what they hold ends with us.
        Runtime.getRuntime().halt(failed == 0 ? 0 : 1);
    }
}
