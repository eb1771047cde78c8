// Idempotent retries of @azure/event-hubs: a batch whose answer was lost is sent again, and stored once.

import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { EventHubBufferedProducerClient, EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import { check, setting, unique } from "./cases.mjs";
import { receive } from "./event-hubs-reading.mjs";

const HUB = "dev";
const PARTITION = "0";

export default async function eventHubsRetries() {
  const connection = setting("EventHubs");
  const producer = new EventHubProducerClient(connection, HUB);
  const consumer = new EventHubConsumerClient("tools", connection, HUB);

  /** Send a batch of two through a connection that breaks before it is answered, and one after it; what is stored. */
  const storedBy = async (options) => {
    const name = unique("retried");
    const { lastEnqueuedSequenceNumber: sequenceNumber } = await producer.getPartitionProperties(PARTITION);
    const breaking = await breakBeforeAnswer(connection, name);
    const failures = [];
    const buffered = new EventHubBufferedProducerClient(breaking.connection, HUB, {
      retryOptions: { retryDelayInMs: 200, timeoutInMs: 5000 },
      maxWaitTimeInMs: 200,
      onSendEventsErrorHandler: async ({ error }) => void failures.push(error),
      ...options,
    });
    await buffered.enqueueEvents([{ body: `${name} 1` }, { body: `${name} 2` }], { partitionId: PARTITION });
    await buffered.flush();
    await buffered.enqueueEvent({ body: `${name} 3` }, { partitionId: PARTITION });
    await buffered.close({ flush: true });
    breaking.close();
    assert.deepEqual(failures, []);
    assert.equal(breaking.broken(), true);
    const after = await producer.getPartitionProperties(PARTITION);
    const count = after.lastEnqueuedSequenceNumber - sequenceNumber;
    const events = await receive(consumer, PARTITION, { sequenceNumber }, count);
    return events.map(({ body }) => String(body).replace(`${name} `, ""));
  };

  await check("event hubs: a batch whose answer is lost is stored twice", async () => {
    assert.deepEqual(await storedBy({}), ["1", "2", "1", "2", "3"]);
  });

  await check("event hubs: with idempotent retries it is stored once", async () => {
    assert.deepEqual(await storedBy({ enableIdempotentRetries: true }), ["1", "2", "3"]);
  });

  await producer.close();
  await consumer.close();
}

/** A way to the namespace that breaks once: when something with `text` went there, before the answer comes back. */
async function breakBeforeAnswer(connection, text) {
  const port = Number(connection.match(/localhost:(\d+)/)[1]);
  let state = "waiting";
  const server = createServer((client) => {
    const service = connect(port, "localhost");
    client.on("data", (data) => {
      if (state === "waiting" && data.includes(text)) {
        state = "sent";
      }
      service.write(data);
    });
    service.on("data", (data) => {
      if (state === "sent") {
        state = "broken";
        client.destroy();
        service.destroy();
      } else {
        client.write(data);
      }
    });
    for (const [one, other] of [[client, service], [service, client]]) {
      one.on("close", () => other.destroy());
      one.on("error", () => other.destroy());
    }
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  return {
    connection: connection.replace(`localhost:${port}`, `localhost:${server.address().port}`),
    broken: () => state === "broken",
    close: () => server.close(),
  };
}
