// The chain: an event sent to `dev` is enriched on its way and stored as a document, whichever protocol it came by.

import assert from "node:assert/strict";
import { CosmosClient } from "@azure/cosmos";
import { EventHubProducerClient } from "@azure/event-hubs";
import { check, eventually, setting, unique } from "./cases.mjs";
import { kafkaClient } from "./kafka.mjs";

const HUB = "dev";

export default async function chain() {
  const client = new CosmosClient(setting("Cosmos"));
  const documents = client.database("dev").container("events");
  /** A postal code, as producers send it: its key is `pk`. */
  const place = (sender) => ({
    pk: "28036",
    postal_cd: "28036",
    country_cd: "US",
    city_name: "Davidson",
    state_abbrv: "NC",
    latitude: 35.4993,
    longitude: -80.8487,
    seq: 1,
    epoch: Math.floor(Date.now() / 1000),
    sender,
  });
  const stored = (sender) => {
    const query = "SELECT * FROM c WHERE c.sender = @sender";
    const parameters = [{ name: "@sender", value: sender }];
    return eventually(
      "a document of it",
      async () => (await documents.items.query({ query, parameters }).fetchAll()).resources[0],
      40,
    );
  };
  const checkStored = (document) => {
    const { pk, kind, known, city, state, time_zone, origin } = document;
    assert.deepEqual(
      { pk, kind, known, city, state, time_zone },
      { pk: "28036", kind: "place", known: true, city: "Davidson", state: "NC", time_zone: "America/New_York" },
    );
    assert.equal(origin.hub, HUB);
  };

  await check("chain: what the SDK sends to dev is stored, enriched", async () => {
    const sender = unique("javascript-sdk");
    const producer = new EventHubProducerClient(setting("EventHubs"), HUB);
    await producer.sendBatch([{ body: place(sender) }], { partitionKey: "28036" });
    await producer.close();
    checkStored(await stored(sender));
  }, 45);

  await check("chain: what KafkaJS sends to dev is stored, enriched", async () => {
    const sender = unique("kafkajs");
    const producer = kafkaClient().producer();
    await producer.connect();
    await producer.send({ topic: HUB, messages: [{ key: "28036", value: JSON.stringify(place(sender)) }] });
    await producer.disconnect();
    checkStored(await stored(sender));
  }, 45);

  client.dispose();
}
