// Queries of Cosmos DB with @azure/cosmos: parameters, order and pages over all partitions, aggregates, groups.

import assert from "node:assert/strict";
import { ChangeFeedStartFrom, CosmosClient } from "@azure/cosmos";
import { check, setting, unique } from "./cases.mjs";

const COUNT = 40;

export default async function cosmosQueries() {
  const client = new CosmosClient(setting("Cosmos"));
  const { database } = await client.databases.createIfNotExists({ id: unique("queries") });
  const indexingPolicy = {
    indexingMode: "consistent",
    includedPaths: [{ path: "/*" }],
    compositeIndexes: [[{ path: "/even", order: "ascending" }, { path: "/n", order: "descending" }]],
  };
  const { container } = await database.containers.create({ id: "items", partitionKey: "/pk", indexingPolicy });
  // Keys and order have nothing to do with each other: 7 and 40 share no divisor.
  const documents = Array.from({ length: COUNT }, (_, i) => {
    const n = (i * 7) % COUNT;
    return { id: `d${n}`, pk: `p${i % 5}`, n, even: n % 2 === 0, tags: [`t${n % 3}`, "all"], at: { deep: n / 4 } };
  });
  await Promise.all(documents.map((document) => container.items.create(document)));
  const all = async (query, options) => (await container.items.query(query, options).fetchAll()).resources;
  const numbers = (keep) => Array.from({ length: COUNT }, (_, n) => n).filter(keep);

  await check("cosmos: a query with parameters, in one partition and over all", async () => {
    const query = "SELECT VALUE c.n FROM c WHERE c.n >= @least AND ARRAY_CONTAINS(c.tags, @tag)";
    const parameters = [
      { name: "@least", value: 20 },
      { name: "@tag", value: "t1" },
    ];
    const expected = numbers((n) => n >= 20 && n % 3 === 1);
    const found = await all({ query, parameters });
    assert.deepEqual(found.toSorted((a, b) => a - b), expected);
    const inOne = await all({ query, parameters }, { partitionKey: "p2" });
    const ofOne = documents.filter(({ pk, n }) => pk === "p2" && expected.includes(n)).map(({ n }) => n);
    assert.deepEqual(inOne.toSorted((a, b) => a - b), ofOne.toSorted((a, b) => a - b));
  });

  await check("cosmos: ORDER BY over all partitions comes in order, page by page", async () => {
    const iterator = container.items.query("SELECT c.n, c.id FROM c ORDER BY c.n DESC", { maxItemCount: 7 });
    const pages = [];
    while (iterator.hasMoreResults()) {
      const { resources } = await iterator.fetchNext();
      if (resources?.length) {
        pages.push(resources);
      }
    }
    assert.ok(pages.every((page) => page.length <= 7) && pages.length >= COUNT / 7, `${pages.length} pages`);
    assert.deepEqual(
      pages.flat().map((row) => row.n),
      numbers(() => true).reverse(),
    );
  });

  await check("cosmos: several keys in ORDER BY, with their composite index", async () => {
    const rows = await all("SELECT c.even, c.n FROM c ORDER BY c.even ASC, c.n DESC");
    const expected = [...numbers((n) => n % 2).reverse(), ...numbers((n) => n % 2 === 0).reverse()];
    assert.deepEqual(
      rows.map((row) => row.n),
      expected,
    );
    await assert.rejects(all("SELECT * FROM c ORDER BY c.pk, c.n"), { code: 400 });
  });

  for (const [what, query, options] of [
    ["in one partition", "SELECT VALUE c.n FROM c WHERE c.n >= 0", { partitionKey: "p1" }],
    ["over all partitions", "SELECT VALUE c.n FROM c WHERE c.n >= 0", {}],
    ["in order over all partitions", "SELECT VALUE c.n FROM c ORDER BY c.n", { enableQueryControl: true }],
  ]) {
    await check(`cosmos: a query goes on in another client, ${what}`, async () => {
      const expected = documents.filter(({ pk }) => pk === (options.partitionKey ?? pk)).map(({ n }) => n);
      const found = [];
      let continuationToken;
      do {
        const fresh = new CosmosClient(setting("Cosmos")).database(database.id).container(container.id);
        const page = await fresh.items.query(query, { maxItemCount: 3, continuationToken, ...options }).fetchNext();
        found.push(...(page.resources ?? []));
        continuationToken = page.continuationToken;
      } while (continuationToken);
      const ordered = query.includes("ORDER BY") ? found : found.toSorted((a, b) => a - b);
      assert.deepEqual(ordered, expected.toSorted((a, b) => a - b));
    });
  }

  await check("cosmos: aggregates over all partitions", async () => {
    assert.deepEqual(await all("SELECT VALUE COUNT(1) FROM c WHERE c.even"), [COUNT / 2]);
    assert.deepEqual(await all("SELECT VALUE SUM(c.n) FROM c"), [(COUNT * (COUNT - 1)) / 2]);
    assert.deepEqual(await all("SELECT VALUE AVG(c.n) FROM c"), [(COUNT - 1) / 2]);
    assert.deepEqual(await all("SELECT VALUE MAX(c.at.deep) FROM c"), [(COUNT - 1) / 4]);
    const [row] = await all("SELECT COUNT(1) AS many, MIN(c.n) AS least, MAX(c.n) AS most FROM c");
    assert.deepEqual(row, { many: COUNT, least: 0, most: COUNT - 1 });
  });

  await check("cosmos: GROUP BY, DISTINCT, OFFSET LIMIT and TOP over all partitions", async () => {
    const groups = await all("SELECT c.pk, COUNT(1) AS many, SUM(c.n) AS total FROM c GROUP BY c.pk");
    const expected = ["p0", "p1", "p2", "p3", "p4"].map((key) => {
      const own = documents.filter(({ pk }) => pk === key);
      return { pk: key, many: own.length, total: own.reduce((sum, { n }) => sum + n, 0) };
    });
    assert.deepEqual(
      groups.toSorted((a, b) => (a.pk < b.pk ? -1 : 1)),
      expected,
    );
    assert.deepEqual((await all("SELECT DISTINCT VALUE c.tags[0] FROM c")).toSorted(), ["t0", "t1", "t2"]);
    assert.deepEqual(await all("SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 3"), [5, 6, 7]);
    assert.deepEqual(await all("SELECT TOP 2 VALUE c.n FROM c ORDER BY c.n DESC"), [COUNT - 1, COUNT - 2]);
    assert.deepEqual((await all("SELECT DISTINCT VALUE c.even FROM c ORDER BY c.even")).length, 2);
  });

  await check("cosmos: a query by a plan from the service gives the same", async () => {
    const planned = { forceQueryPlan: true, maxItemCount: 7, maxDegreeOfParallelism: 4 };
    for (const query of [
      "SELECT VALUE c.n FROM c ORDER BY c.n DESC",
      "SELECT VALUE AVG(c.n) FROM c",
      "SELECT DISTINCT VALUE c.pk FROM c ORDER BY c.pk",
      "SELECT c.pk, COUNT(1) AS many FROM c GROUP BY c.pk",
      "SELECT VALUE c.n FROM c ORDER BY c.n OFFSET 5 LIMIT 12",
      "SELECT TOP 9 VALUE c.n FROM c ORDER BY c.n",
    ]) {
      assert.deepEqual(await all(query, planned), await all(query), query);
    }
  });

  await check("cosmos: feed ranges cover the container", async () => {
    const found = [];
    for (const range of await container.getFeedRanges()) {
      const changeFeedStartFrom = ChangeFeedStartFrom.Beginning(range);
      const iterator = container.items.getChangeFeedIterator({ changeFeedStartFrom });
      for (let page = await iterator.readNext(); page.statusCode !== 304; page = await iterator.readNext()) {
        found.push(...page.result.map(({ n }) => n));
      }
    }
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      numbers(() => true),
    );
  });

  await check("cosmos: JOIN, EXISTS, subqueries, LIKE and functions", async () => {
    const joined = await all("SELECT VALUE COUNT(1) FROM c JOIN t IN c.tags WHERE t = 'all' OR t LIKE 't1%'");
    assert.deepEqual(joined, [COUNT + numbers((n) => n % 3 === 1).length]);
    const exists = "SELECT VALUE c.n FROM c WHERE EXISTS(SELECT VALUE t FROM t IN c.tags WHERE t = 't2') AND c.n < 9";
    assert.deepEqual((await all(exists)).toSorted(), [2, 5, 8]);
    const shaped = await all("SELECT VALUE {'name': UPPER(c.id), 'half': c.n / 2} FROM c WHERE c.id = 'd5'");
    assert.deepEqual(shaped, [{ name: "D5", half: 2.5 }]);
  });

  await check("cosmos: all documents, iterated", async () => {
    const found = [];
    for await (const { resources } of container.items.readAll({ maxItemCount: 9 }).getAsyncIterator()) {
      found.push(...resources.map(({ n }) => n));
    }
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      numbers(() => true),
    );
  });

  await check("cosmos: a query that does not parse is refused, saying where", async () => {
    await assert.rejects(all("SELECT * FROM c WHERE c.n ="), (error) => {
      assert.equal(error.code, 400);
      assert.match(JSON.stringify(error.body ?? error.message), /SC1001/);
      return true;
    });
  });

  await database.delete();
  client.dispose();
}
