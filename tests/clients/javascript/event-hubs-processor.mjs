// Event processors of @azure/event-hubs that share a hub, with their checkpoints in Blob storage (Azurite).

import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { BlobCheckpointStore } from "@azure/eventhubs-checkpointstore-blob";
import { ContainerClient } from "@azure/storage-blob";
import { check, eventually, setting, unique } from "./cases.mjs";
import { ends } from "./event-hubs-reading.mjs";

const HUB = "places";
const GROUP = "tools";
const BALANCING = { updateIntervalInMs: 500, partitionOwnershipExpirationIntervalInMs: 4000 };

export default async function eventHubsProcessor() {
  const connection = setting("EventHubs");
  const producer = new EventHubProducerClient(connection, HUB);
  const container = new ContainerClient(setting("AzureWebJobsStorage"), unique("checkpoints"));
  const starts = await ends(producer);
  const positions = Object.entries(starts).map(([id, sequenceNumber]) => [id, { sequenceNumber }]);
  const startPosition = Object.fromEntries(positions);

  /** A processor that checkpoints what it reads; `read` has the bodies, `partitions` what it owns. */
  const start = () => {
    const client = new EventHubConsumerClient(GROUP, connection, HUB, new BlobCheckpointStore(container), {
      loadBalancingOptions: BALANCING,
    });
    const processor = { read: [], partitions: new Set(), errors: [] };
    const handlers = {
      processInitialize: async ({ partitionId }) => void processor.partitions.add(partitionId),
      processEvents: async (events, context) => {
        if (events.length) {
          processor.read.push(...events.map((event) => event.body));
          await context.updateCheckpoint(events.at(-1));
        }
      },
      processError: async (error) => void processor.errors.push(error),
      processClose: async (_, { partitionId }) => void processor.partitions.delete(partitionId),
    };
    const subscription = client.subscribe(handlers, { startPosition, maxWaitTimeInSeconds: 1 });
    processor.stop = async () => {
      await subscription.close();
      await client.close();
    };
    return processor;
  };
  /** Send `count` bodies to every partition, and give them. */
  const send = async (name, count) => {
    const bodies = [];
    for (const partitionId of Object.keys(starts)) {
      const batch = Array.from({ length: count }, (_, n) => ({ body: `${name} ${partitionId} ${n}` }));
      await producer.sendBatch(batch, { partitionId });
      bodies.push(...batch.map((event) => event.body));
    }
    return bodies.sort();
  };

  await check("processor: it reads every partition and keeps its checkpoints in blobs", async () => {
    await container.create();
    const sent = await send("first", 5);
    const processor = start();
    await eventually("everything read", () => processor.read.length >= sent.length);
    assert.deepEqual(processor.read.toSorted(), sent);
    await processor.stop();
    const checkpoints = {};
    for await (const blob of container.listBlobsFlat({ includeMetadata: true })) {
      if (blob.name.includes("/checkpoint/")) {
        checkpoints[blob.name.split("/").at(-1)] = Number(blob.metadata.sequencenumber);
      }
    }
    assert.deepEqual(checkpoints, await ends(producer));
  });

  await check("processor: another resumes where the first stopped", async () => {
    const sent = await send("second", 3);
    const processor = start();
    await eventually("what was sent since read", () => processor.read.length >= sent.length);
    await processor.stop();
    assert.deepEqual(processor.read.toSorted(), sent);
    assert.deepEqual(processor.errors, []);
  });

  await check(
    "processor: two share the partitions, and the one that stays takes them all",
    async () => {
      const [one, two] = [start(), start()];
      await eventually("two partitions each", () => one.partitions.size === 2 && two.partitions.size === 2, 30);
      assert.deepEqual([...one.partitions, ...two.partitions].toSorted(), ["0", "1", "2", "3"]);
      await one.stop();
      await eventually("all partitions", () => two.partitions.size === 4, 20);
      const sent = await send("third", 2);
      const read = () => [...one.read, ...two.read].toSorted();
      await eventually("everything read", () => read().length >= sent.length);
      assert.deepEqual(read(), sent);
      await two.stop();
    },
    60,
  );

  await container.deleteIfExists();
  await producer.close();
}
