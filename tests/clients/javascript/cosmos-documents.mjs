// Documents of Cosmos DB with @azure/cosmos: written, on conditions, in batches and in bulk; the change feed.

import assert from "node:assert/strict";
import { BulkOperationType, ChangeFeedStartFrom, CosmosClient } from "@azure/cosmos";
import { check, eventually, setting, unique } from "./cases.mjs";

export default async function cosmosDocuments() {
  const client = new CosmosClient(setting("Cosmos"));
  const { database } = await client.databases.createIfNotExists({ id: unique("documents") });
  const { container } = await database.containers.createIfNotExists({ id: "items", partitionKey: "/pk" });

  await check("cosmos: databases and containers are made, listed and read", async () => {
    const { resources: databases } = await client.databases.readAll().fetchAll();
    assert.ok(databases.some((one) => one.id === database.id) && databases.some((one) => one.id === "dev"));
    const { resources: containers } = await database.containers.readAll().fetchAll();
    assert.deepEqual(
      containers.map((one) => one.id),
      ["items"],
    );
    const { resource } = await container.read();
    assert.deepEqual(resource.partitionKey.paths, ["/pk"]);
    await assert.rejects(database.containers.create({ id: "items", partitionKey: "/pk" }), { code: 409 });
    await assert.rejects(database.container("none").read(), { code: 404 });
  });

  await check("cosmos: a document is created, read, upserted, replaced and deleted", async () => {
    const document = { id: "a", pk: "x", text: "Łódź", nested: { list: [1, 2.5, null, true] } };
    const created = await container.items.create(document);
    assert.equal(created.statusCode, 201);
    assert.ok(created.requestCharge > 0);
    const item = container.item("a", "x");
    const { text, nested, _etag, _ts } = (await item.read()).resource;
    assert.deepEqual({ text, nested }, { text: document.text, nested: document.nested });
    assert.equal(_etag, created.etag);
    assert.ok(Math.abs(Date.now() / 1000 - _ts) < 10, `${_ts}`);
    await assert.rejects(container.items.create(document), { code: 409 });
    assert.equal((await container.items.upsert({ ...document, text: "b" })).statusCode, 200);
    assert.equal((await container.items.upsert({ id: "new", pk: "x" })).statusCode, 201);
    assert.equal((await item.replace({ id: "a", pk: "x", n: 3 })).resource.n, 3);
    assert.equal((await item.read()).resource.text, undefined);
    assert.equal((await item.delete()).statusCode, 204);
    const gone = await item.read();
    assert.deepEqual([gone.statusCode, gone.resource], [404, undefined]);
    await assert.rejects(item.delete(), { code: 404 });
  });

  await check("cosmos: a write on an etag that has changed is 412, a read of the same one 304", async () => {
    const { item, etag } = await container.items.create({ id: "etag", pk: "x", n: 1 });
    const unchanged = { accessCondition: { type: "IfMatch", condition: etag } };
    await item.replace({ id: "etag", pk: "x", n: 2 }, unchanged);
    await assert.rejects(item.replace({ id: "etag", pk: "x", n: 3 }, unchanged), { code: 412 });
    await assert.rejects(item.delete(unchanged), { code: 412 });
    const { resource, etag: current } = await item.read();
    assert.equal(resource.n, 2);
    const again = await item.read({ accessCondition: { type: "IfNoneMatch", condition: current } });
    assert.equal(again.statusCode, 304);
  });

  await check("cosmos: a document is patched, also on a condition", async () => {
    const { item } = await container.items.create({ id: "patch", pk: "x", n: 1, list: ["a"], old: true });
    const { resource } = await item.patch([
      { op: "incr", path: "/n", value: 4 },
      { op: "add", path: "/list/-", value: "b" },
      { op: "set", path: "/nested", value: { deep: 1 } },
      { op: "replace", path: "/nested/deep", value: 2 },
      { op: "move", from: "/nested/deep", path: "/moved" },
      { op: "remove", path: "/old" },
    ]);
    const { n, list, nested, moved, old } = resource;
    assert.deepEqual({ n, list, nested, moved, old }, { n: 5, list: ["a", "b"], nested: {}, moved: 2, old: undefined });
    const operations = [{ op: "set", path: "/n", value: 0 }];
    await assert.rejects(item.patch({ condition: "FROM c WHERE c.n > 5", operations }), { code: 412 });
    assert.equal((await item.patch({ condition: "FROM c WHERE c.n = 5", operations })).resource.n, 0);
  });

  await check("cosmos: keys of every type, and none", async () => {
    for (const pk of ["text", 7, true, null]) {
      await container.items.create({ id: "typed", pk });
      assert.equal((await container.item("typed", pk).read()).resource.pk, pk);
    }
    await container.items.create({ id: "keyless", n: 1 });
    assert.equal((await container.item("keyless", undefined).read()).resource.n, 1);
  });

  await check("cosmos: hierarchical partition keys", async () => {
    const partitionKey = { paths: ["/tenant", "/user"], kind: "MultiHash", version: 2 };
    const { container: tenants } = await database.containers.create({ id: "tenants", partitionKey });
    for (const [id, tenant, user] of [["1", "a", "u"], ["2", "a", "v"], ["3", "b", "u"]]) {
      await tenants.items.create({ id, tenant, user });
    }
    assert.equal((await tenants.item("2", ["a", "v"]).read()).resource.user, "v");
    const one = await tenants.items.query("SELECT VALUE c.id FROM c", { partitionKey: ["a", "v"] }).fetchAll();
    assert.deepEqual(one.resources, ["2"]);
    const prefix = await tenants.items.query("SELECT VALUE c.id FROM c", { partitionKey: ["a"] }).fetchAll();
    assert.deepEqual(prefix.resources.toSorted(), ["1", "2"]);
  });

  await check("cosmos: a transactional batch holds whole or not at all", async () => {
    const { result, code } = await container.items.batch(
      [
        { operationType: BulkOperationType.Create, resourceBody: { id: "b1", pk: "batch", n: 1 } },
        { operationType: BulkOperationType.Upsert, resourceBody: { id: "b2", pk: "batch", n: 2 } },
        { operationType: BulkOperationType.Read, id: "b1" },
        {
          operationType: BulkOperationType.Patch,
          id: "b2",
          resourceBody: { operations: [{ op: "incr", path: "/n", value: 40 }] },
        },
      ],
      "batch",
    );
    assert.equal(code, 200);
    assert.deepEqual(
      result.map((one) => one.statusCode),
      [201, 201, 200, 200],
    );
    assert.equal(result[2].resourceBody.n, 1);
    const failed = await container.items.batch(
      [
        { operationType: BulkOperationType.Delete, id: "b1" },
        { operationType: BulkOperationType.Create, resourceBody: { id: "b2", pk: "batch" } },
      ],
      "batch",
    );
    assert.deepEqual([failed.code, failed.result.map((one) => one.statusCode)], [207, [424, 409]]);
    assert.equal((await container.item("b1", "batch").read()).resource.n, 1);
    assert.equal((await container.item("b2", "batch").read()).resource.n, 42);
  });

  await check("cosmos: bulk operations each have their own result", async () => {
    const creates = Array.from({ length: 150 }, (_, n) => ({
      operationType: BulkOperationType.Create,
      partitionKey: `bulk${n % 5}`,
      resourceBody: { id: `${n}`, pk: `bulk${n % 5}`, n },
    }));
    const results = await container.items.executeBulkOperations([...creates, creates[7]]);
    const codes = results.map((one) => one.response?.statusCode ?? one.error?.code);
    assert.deepEqual(codes, [...Array(150).fill(201), 409]);
    const count = "SELECT VALUE COUNT(1) FROM c WHERE STARTSWITH(c.pk, 'bulk')";
    assert.deepEqual((await container.items.query(count).fetchAll()).resources, [150]);
    const removes = creates.map(({ partitionKey, resourceBody: { id } }) => ({
      operationType: BulkOperationType.Delete,
      partitionKey,
      id,
    }));
    const removed = await container.items.executeBulkOperations(removes);
    assert.ok(removed.every((one) => one.response?.statusCode === 204));
  });

  await check("cosmos: the change feed goes on where its continuation left it", async () => {
    const { container: changes } = await database.containers.create({ id: "changes", partitionKey: "/pk" });
    await changes.items.create({ id: "1", pk: "a", n: 1 });
    await changes.items.create({ id: "2", pk: "b", n: 2 });
    const read = async (options) => {
      const iterator = changes.items.getChangeFeedIterator(options);
      const found = [];
      for (;;) {
        const page = await iterator.readNext();
        if (page.statusCode === 304) {
          return { found, continuation: page.continuationToken };
        }
        found.push(...page.result.map(({ id, n }) => `${id}=${n}`));
      }
    };
    const first = await read({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning(), maxItemCount: 1 });
    assert.deepEqual(first.found, ["1=1", "2=2"]);
    await changes.items.upsert({ id: "1", pk: "a", n: 10 });
    await changes.items.create({ id: "3", pk: "a", n: 3 });
    const later = await read({ changeFeedStartFrom: ChangeFeedStartFrom.Continuation(first.continuation) });
    assert.deepEqual(later.found, ["1=10", "3=3"]);
    const ofKey = await read({ changeFeedStartFrom: ChangeFeedStartFrom.Beginning("b") });
    assert.deepEqual(ofKey.found, ["2=2"]);
    const now = await read({ changeFeedStartFrom: ChangeFeedStartFrom.Now() });
    assert.deepEqual(now.found, []);
  });

  await check("cosmos: what has outlived its time to live is gone", async () => {
    const definition = { id: "mortal", partitionKey: "/pk", defaultTtl: -1 };
    const { container: mortal } = await database.containers.create(definition);
    await mortal.items.create({ id: "short", pk: "x", ttl: 1 });
    await mortal.items.create({ id: "long", pk: "x" });
    await eventually("gone", async () => (await mortal.item("short", "x").read()).statusCode === 404);
    assert.equal((await mortal.item("long", "x").read()).statusCode, 200);
  });

  await check("cosmos: a wrong key is refused at once", async () => {
    const began = Date.now();
    const wrong = new CosmosClient(setting("Cosmos").replace(/AccountKey=[^;]*/, `AccountKey=${btoa("wrong")}`));
    await assert.rejects(wrong.database("dev").read(), { code: 401 });
    assert.ok(Date.now() - began < 3000, `took ${Date.now() - began} ms`);
  });

  await check("cosmos: what is deleted with its database is gone", async () => {
    await database.delete();
    await assert.rejects(database.read(), { code: 404 });
  });
  client.dispose();
}
