package headrace;

import com.azure.cosmos.ConsistencyLevel;
import com.azure.cosmos.CosmosClient;
import com.azure.cosmos.CosmosClientBuilder;
import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosException;
import com.azure.cosmos.models.CosmosBatch;
import com.azure.cosmos.models.CosmosBatchResponse;
import com.azure.cosmos.models.CosmosBulkOperationResponse;
import com.azure.cosmos.models.CosmosBulkOperations;
import com.azure.cosmos.models.CosmosContainerProperties;
import com.azure.cosmos.models.CosmosItemIdentity;
import com.azure.cosmos.models.CosmosItemOperation;
import com.azure.cosmos.models.CosmosItemRequestOptions;
import com.azure.cosmos.models.CosmosItemResponse;
import com.azure.cosmos.models.CosmosPatchItemRequestOptions;
import com.azure.cosmos.models.CosmosPatchOperations;
import com.azure.cosmos.models.PartitionKey;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** azure-cosmos: documents, one at a time and many. */
final class CosmosCases {
    private final String endpoint;
    private final CosmosContainer container;

    /** A document, as an application has them. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Reading(
            @JsonProperty("id") String id,
            @JsonProperty("pk") String pk,
            @JsonProperty("celsius") Double celsius,
            @JsonProperty("tags") List<String> tags) {}

    CosmosCases(Settings settings) {
        endpoint = settings.cosmosPart("AccountEndpoint");
        container = newContainer(client(settings));
    }

    /** Direct mode is TCP to Azure's replicas: what answers HTTP is reached in gateway mode. */
    static CosmosClient client(Settings settings) {
        // The SDK asks for TLS unless this is set, before its first request.
        System.setProperty("COSMOS.HTTP_CONNECTION_WITHOUT_TLS_ALLOWED", "true");
        return new CosmosClientBuilder()
                .endpoint(settings.cosmosPart("AccountEndpoint"))
                .key(settings.cosmosPart("AccountKey"))
                .gatewayMode()
                .consistencyLevel(ConsistencyLevel.SESSION)
                .contentResponseOnWriteEnabled(true)
                .buildClient();
    }

    static CosmosContainer newContainer(CosmosClient client) {
        String name = "java-" + UUID.randomUUID();
        client.createDatabaseIfNotExists("clients");
        client.getDatabase("clients").createContainerIfNotExists(new CosmosContainerProperties(name, "/pk"));
        return client.getDatabase("clients").getContainer(name);
    }

    List<Case> all() {
        return List.of(
                new Case("cosmos: create, read, upsert, replace, delete", this::oneByOne),
                new Case("cosmos: patch, with a condition", this::patch),
                new Case("cosmos: an etag that is not the newest conflicts", this::etags),
                new Case("cosmos: many documents read by their ids", this::readMany),
                new Case("cosmos: a transactional batch, whole or not at all", this::batch),
                new Case("cosmos: bulk", this::bulk),
                new Case("cosmos: a wrong key is refused at once", this::wrongKey));
    }

    private void oneByOne() {
        PartitionKey key = new PartitionKey("KCLT");
        Reading reading = new Reading("1", "KCLT", 21.5, List.of("é", "雨"));
        CosmosItemResponse<Reading> created = container.createItem(reading, key, new CosmosItemRequestOptions());
        Expect.equal("status", 201, created.getStatusCode());
        Expect.equal("created", reading, created.getItem());
        Expect.that(created.getRequestCharge() > 0, "it has a charge");
        CosmosException error = Expect.error(CosmosException.class, () -> container.createItem(reading));
        Expect.equal("created twice", 409, error.getStatusCode());
        Expect.equal(
                "read", reading, container.readItem("1", key, Reading.class).getItem());

        Reading warmer = new Reading("1", "KCLT", 25.0, null);
        Expect.equal("upserted", 200, container.upsertItem(warmer).getStatusCode());
        Expect.equal(
                "read again",
                warmer,
                container.readItem("1", key, Reading.class).getItem());
        Reading colder = new Reading("1", "KCLT", -3.0, List.of());
        container.replaceItem(colder, "1", key, new CosmosItemRequestOptions());
        Expect.equal(
                "read at last",
                colder,
                container.readItem("1", key, Reading.class).getItem());

        Expect.equal(
                "deleted",
                204,
                container.deleteItem("1", key, new CosmosItemRequestOptions()).getStatusCode());
        error = Expect.error(CosmosException.class, () -> container.readItem("1", key, Reading.class));
        Expect.equal("gone", 404, error.getStatusCode());
    }

    private void patch() {
        PartitionKey key = new PartitionKey("patched");
        container.createItem(new Reading("1", "patched", 20.0, new ArrayList<>(List.of("a"))));
        CosmosPatchOperations operations = CosmosPatchOperations.create()
                .increment("/celsius", 1.5)
                .add("/tags/-", "b")
                .set("/seen", true);
        container.patchItem("1", key, operations, Map.class);
        Map<?, ?> found = container.readItem("1", key, Map.class).getItem();
        Expect.equal("celsius", 21.5, found.get("celsius"));
        Expect.equal("tags", List.of("a", "b"), found.get("tags"));
        Expect.equal("seen", true, found.get("seen"));
        CosmosPatchItemRequestOptions condition =
                new CosmosPatchItemRequestOptions().setFilterPredicate("FROM c WHERE c.celsius > 30");
        CosmosException error = Expect.error(
                CosmosException.class,
                () -> container.patchItem(
                        "1", key, CosmosPatchOperations.create().remove("/tags"), condition, Map.class));
        Expect.equal("condition", 412, error.getStatusCode());
    }

    private void etags() {
        PartitionKey key = new PartitionKey("etags");
        String first =
                container.createItem(new Reading("1", "etags", 1.0, null)).getETag();
        String second =
                container.upsertItem(new Reading("1", "etags", 2.0, null)).getETag();
        Expect.that(!first.equals(second), "every write has an etag of its own");
        Reading third = new Reading("1", "etags", 3.0, null);
        CosmosException error = Expect.error(
                CosmosException.class,
                () -> container.replaceItem(third, "1", key, new CosmosItemRequestOptions().setIfMatchETag(first)));
        Expect.equal("an old etag", 412, error.getStatusCode());
        container.replaceItem(third, "1", key, new CosmosItemRequestOptions().setIfMatchETag(second));
        String etag = container.readItem("1", key, Reading.class).getETag();
        int unchanged = container
                .readItem("1", key, new CosmosItemRequestOptions().setIfNoneMatchETag(etag), Reading.class)
                .getStatusCode();
        Expect.equal("unchanged", 304, unchanged);
    }

    private void readMany() {
        List<CosmosItemIdentity> wanted = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            container.createItem(new Reading("many-" + i, "pk-" + i % 5, (double) i, null));
            wanted.add(new CosmosItemIdentity(new PartitionKey("pk-" + i % 5), "many-" + i));
        }
        wanted.add(new CosmosItemIdentity(new PartitionKey("pk-0"), "never was"));
        List<Reading> found = container.readMany(wanted, Reading.class).getResults();
        Expect.equal("documents", 20, found.size());
        Expect.equal(
                "their sum", 190.0, found.stream().mapToDouble(Reading::celsius).sum());
        Expect.equal(
                "a partition's",
                4,
                container.readAllItems(new PartitionKey("pk-3"), Reading.class).stream()
                        .toList()
                        .size());
    }

    private void batch() {
        PartitionKey key = new PartitionKey("batch");
        CosmosBatch good = CosmosBatch.createCosmosBatch(key);
        good.createItemOperation(new Reading("1", "batch", 1.0, null));
        good.upsertItemOperation(new Reading("2", "batch", 2.0, null));
        good.readItemOperation("1");
        CosmosBatchResponse done = container.executeCosmosBatch(good);
        Expect.that(done.isSuccessStatusCode(), "a good batch is done, not " + done.getStatusCode());
        Expect.equal(
                "read in it",
                1.0,
                done.getResults().get(2).getItem(Reading.class).celsius());

        CosmosBatch bad = CosmosBatch.createCosmosBatch(key);
        bad.createItemOperation(new Reading("3", "batch", 3.0, null));
        bad.createItemOperation(new Reading("1", "batch", 1.0, null));
        CosmosBatchResponse refused = container.executeCosmosBatch(bad);
        Expect.equal("status", 409, refused.getStatusCode());
        Expect.equal(
                "its operations",
                List.of(424, 409),
                refused.getResults().stream().map(one -> one.getStatusCode()).toList());
        CosmosException error = Expect.error(CosmosException.class, () -> container.readItem("3", key, Reading.class));
        Expect.equal("undone", 404, error.getStatusCode());
    }

    private void bulk() {
        List<CosmosItemOperation> operations = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            String pk = "bulk-" + i % 10;
            operations.add(CosmosBulkOperations.getCreateItemOperation(
                    new Reading("bulk-" + i, pk, (double) i, null), new PartitionKey(pk)));
        }
        int created = 0;
        for (CosmosBulkOperationResponse<Object> one : container.executeBulkOperations(operations)) {
            if (one.getException() != null) {
                throw new AssertionError("bulk", one.getException());
            }
            Expect.equal("status", 201, one.getResponse().getStatusCode());
            created++;
        }
        Expect.equal("created", 200, created);
        double celsius = container
                .readItem("bulk-137", new PartitionKey("bulk-7"), Reading.class)
                .getItem()
                .celsius();
        Expect.equal("one of them", 137.0, celsius);
    }

    private void wrongKey() {
        CosmosException error = Expect.error(CosmosException.class, () -> new CosmosClientBuilder()
                .endpoint(endpoint)
                .key("bm90IHRoZSBrZXk=")
                .gatewayMode()
                .buildClient()
                .close());
        Expect.equal("status", 401, error.getStatusCode());
    }
}
