package headrace;

import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.models.CosmosChangeFeedRequestOptions;
import com.azure.cosmos.models.CosmosQueryRequestOptions;
import com.azure.cosmos.models.FeedRange;
import com.azure.cosmos.models.FeedResponse;
import com.azure.cosmos.models.PartitionKey;
import com.azure.cosmos.models.SqlParameter;
import com.azure.cosmos.models.SqlQuerySpec;
import com.fasterxml.jackson.annotation.JsonProperty;
import headrace.CosmosCases.Reading;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** azure-cosmos: queries, their pages, and the change feed. */
final class CosmosQueryCases {
    private static final int COUNT = 60;

    private record Group(
            @JsonProperty("pk") String pk, @JsonProperty("n") int count, @JsonProperty("warmest") double warmest) {}

    private final CosmosContainer container;
    private final CosmosContainer changing;

    /** Queries are over sixty readings of six stations. */
    CosmosQueryCases(Settings settings) {
        container = CosmosCases.newContainer(CosmosCases.client(settings));
        changing = CosmosCases.newContainer(CosmosCases.client(settings));
        for (int i = 0; i < COUNT; i++) {
            container.createItem(new Reading("r-" + i, "station-" + i % 6, i / 2.0, List.of("tag-" + i % 3)));
        }
    }

    List<Case> all() {
        return List.of(
                new Case("cosmos queries: parameters, in one partition", this::parameters),
                new Case("cosmos queries: ORDER BY over partitions, page by page", this::orderBy),
                new Case("cosmos queries: aggregates and GROUP BY", this::aggregates),
                new Case("cosmos queries: DISTINCT, TOP, OFFSET LIMIT, JOIN", this::clauses),
                new Case("cosmos queries: a wrong one is refused with its reason", this::wrong),
                new Case("cosmos change feed: from the beginning, then what is new", this::changeFeed));
    }

    private void parameters() {
        SqlQuerySpec query = new SqlQuerySpec(
                "SELECT c.id, c.celsius FROM c WHERE c.celsius >= @from AND ARRAY_CONTAINS(c.tags, @tag)",
                List.of(new SqlParameter("@from", 15), new SqlParameter("@tag", "tag-0")));
        CosmosQueryRequestOptions options =
                new CosmosQueryRequestOptions().setPartitionKey(new PartitionKey("station-0"));
        List<String> found = container.queryItems(query, options, Reading.class).stream()
                .map(Reading::id)
                .toList();
        Expect.equal(
                "ids",
                IntStream.range(30, COUNT)
                        .filter(i -> i % 6 == 0)
                        .mapToObj(i -> "r-" + i)
                        .toList(),
                found.stream().sorted().toList());
    }

    private void orderBy() {
        List<Double> found = new ArrayList<>();
        String continuation = null;
        int pages = 0;
        do {
            // As an API does that hands the token to its caller: each page is a query of its own.
            FeedResponse<Reading> page = container
                    .queryItems(
                            "SELECT * FROM c ORDER BY c.celsius DESC", new CosmosQueryRequestOptions(), Reading.class)
                    .iterableByPage(continuation, 25)
                    .iterator()
                    .next();
            page.getResults().forEach(reading -> found.add(reading.celsius()));
            continuation = page.getContinuationToken();
            pages++;
        } while (continuation != null && pages < 10);
        Expect.equal("pages", 3, pages);
        List<Double> expected =
                IntStream.range(0, COUNT).mapToObj(i -> (COUNT - 1 - i) / 2.0).toList();
        Expect.equal("in order", expected, found);
    }

    private void aggregates() {
        Expect.equal("count", List.of(COUNT), query("SELECT VALUE COUNT(1) FROM c", Integer.class));
        Expect.equal("average", List.of(14.75), query("SELECT VALUE AVG(c.celsius) FROM c", Double.class));
        Set<Group> groups = new HashSet<>(
                query("SELECT c.pk, COUNT(1) AS n, MAX(c.celsius) AS warmest FROM c GROUP BY c.pk", Group.class));
        Set<Group> expected = new HashSet<>();
        for (int i = 0; i < 6; i++) {
            expected.add(new Group("station-" + i, 10, (54 + i) / 2.0));
        }
        Expect.equal("groups", expected, groups);
    }

    private void clauses() {
        Expect.equal(
                "distinct",
                6,
                query("SELECT DISTINCT VALUE c.pk FROM c", String.class).size());
        Expect.equal(
                "top",
                List.of(0.0, 0.5),
                query("SELECT TOP 2 VALUE c.celsius FROM c ORDER BY c.celsius", Double.class));
        Expect.equal(
                "offset",
                List.of(2.5, 3.0),
                query("SELECT VALUE c.celsius FROM c ORDER BY c.celsius OFFSET 5 LIMIT 2", Double.class));
        Expect.equal(
                "join",
                20,
                query("SELECT VALUE t FROM c JOIN t IN c.tags WHERE t = 'tag-1'", String.class)
                        .size());
    }

    private void wrong() {
        CosmosException error = Expect.error(CosmosException.class, () -> query("SELECT * FORM c", Map.class));
        Expect.equal("status", 400, error.getStatusCode());
        Expect.that(error.getMessage().contains("FORM"), "it names what is wrong: " + error.getMessage());
    }

    private void changeFeed() {
        changing.createItem(new Reading("1", "a", 1.0, null));
        changing.createItem(new Reading("2", "b", 2.0, null));
        changing.upsertItem(new Reading("1", "a", 1.5, null));
        List<Reading> found = new ArrayList<>();
        String next =
                drain(CosmosChangeFeedRequestOptions.createForProcessingFromBeginning(FeedRange.forFullRange()), found);
        Expect.equal("the newest of each, as they changed", List.of(2.0, 1.5), celsius(found));
        changing.createItem(new Reading("3", "c", 3.0, null));
        List<Reading> later = new ArrayList<>();
        drain(CosmosChangeFeedRequestOptions.createForProcessingFromContinuation(next), later);
        Expect.equal("what is new", List.of(3.0), celsius(later));
    }

    /** Reads what there is; where to go on from. */
    private String drain(CosmosChangeFeedRequestOptions options, List<Reading> found) {
        String continuation = null;
        for (FeedResponse<Reading> page : changing.queryChangeFeed(options.setMaxItemCount(1), Reading.class)
                .iterableByPage()) {
            found.addAll(page.getResults());
            continuation = page.getContinuationToken();
        }
        return continuation;
    }

    private static List<Double> celsius(List<Reading> readings) {
        return readings.stream().map(Reading::celsius).toList();
    }

    private <T> List<T> query(String text, Class<T> kind) {
        return container.queryItems(text, new CosmosQueryRequestOptions(), kind).stream()
                .toList();
    }
}
