// Event Hubs over AMQP 1.0 with @azure/event-hubs: what a producer sends is what a consumer reads, wherever it starts.

import assert from "node:assert/strict";
import {
  earliestEventPosition,
  EventHubBufferedProducerClient,
  EventHubConsumerClient,
  EventHubProducerClient,
  latestEventPosition,
} from "@azure/event-hubs";
import { check, eventually, setting, unique } from "./cases.mjs";
import { ends, receive, received } from "./event-hubs-reading.mjs";

const HUB = "dev";
const GROUP = "tools"; // infra/eventhubs.json

export default async function eventHubs() {
  const connection = setting("EventHubs");
  const producer = new EventHubProducerClient(connection, HUB);
  const consumer = new EventHubConsumerClient(GROUP, connection, HUB);

  await check("event hubs: properties of the hub", async () => {
    const hub = await producer.getEventHubProperties();
    assert.equal(hub.name, HUB);
    assert.deepEqual(hub.partitionIds, ["0", "1", "2", "3"]);
    assert.ok(hub.createdOn instanceof Date && hub.createdOn <= new Date());
  });

  await check("event hubs: properties of a partition follow what is sent", async () => {
    const before = await producer.getPartitionProperties("2");
    await producer.sendBatch([{ body: "a" }, { body: "b" }], { partitionId: "2" });
    const after = await producer.getPartitionProperties("2");
    assert.equal(after.lastEnqueuedSequenceNumber, before.lastEnqueuedSequenceNumber + 2);
    assert.equal(after.isEmpty, false);
    assert.ok(Math.abs(Date.now() - after.lastEnqueuedOnUtc.getTime()) < 10_000, `${after.lastEnqueuedOnUtc}`);
  });

  await check("event hubs: an event comes back with its body, properties and place in the log", async () => {
    const before = await producer.getPartitionProperties("1");
    const sent = {
      body: { name: "Łódź", numbers: [1, 2.5, -3], nested: { yes: true, no: null } },
      contentType: "application/json",
      correlationId: "corr-1",
      messageId: unique("message"),
      properties: { text: "abc", whole: 42, big: 5_000_000_000, real: 2.5, flag: true, when: new Date(1795338000123) },
    };
    await producer.sendBatch([sent], { partitionId: "1" });
    const [event] = await receive(consumer, "1", { sequenceNumber: before.lastEnqueuedSequenceNumber }, 1);
    assert.deepEqual(event.body, sent.body);
    assert.deepEqual(event.properties, { ...sent.properties, when: sent.properties.when.getTime() });
    assert.equal(event.contentType, sent.contentType);
    assert.equal(event.correlationId, sent.correlationId);
    assert.equal(event.messageId, sent.messageId);
    assert.equal(event.sequenceNumber, before.lastEnqueuedSequenceNumber + 1);
    assert.equal(event.partitionKey, undefined);
    assert.ok(Math.abs(Date.now() - event.enqueuedTimeUtc.getTime()) < 10_000, `${event.enqueuedTimeUtc}`);
  });

  await check("event hubs: binary bodies come back as bytes, AMQP messages whole", async () => {
    const before = await producer.getPartitionProperties("1");
    await producer.sendBatch([{ body: Buffer.from([0, 255, 128]) }], { partitionId: "1" });
    await producer.sendBatch([{ bodyType: "value", body: 7, applicationProperties: { a: "b" } }], { partitionId: "1" });
    await producer.sendBatch([{ bodyType: "sequence", body: [[1, "two"]] }], { partitionId: "1" });
    const from = { sequenceNumber: before.lastEnqueuedSequenceNumber };
    const [bytes, value, sequence] = await receive(consumer, "1", from, 3);
    assert.deepEqual([...bytes.body], [0, 255, 128]);
    assert.equal(value.body, 7);
    assert.deepEqual(value.properties, { a: "b" });
    assert.equal(value.getRawAmqpMessage().bodyType, "value");
    assert.deepEqual(sequence.body, [[1, "two"]]);
  });

  await check("event hubs: events of a key share a partition and keep their order", async () => {
    const key = unique("key");
    const starts = await ends(producer);
    for (let n = 0; n < 3; n += 1) {
      await producer.sendBatch([{ body: `${key} ${n}` }], { partitionKey: key });
    }
    const found = await received(consumer, starts, (event) => event.partitionKey === key, 3);
    assert.deepEqual(
      found.map(([, event]) => event.body),
      [`${key} 0`, `${key} 1`, `${key} 2`],
    );
    assert.equal(new Set(found.map(([partition]) => partition)).size, 1);
  });

  await check("event hubs: a batch takes events up to its size and arrives whole", async () => {
    const before = await producer.getPartitionProperties("0");
    const batch = await producer.createBatch({ partitionId: "0", maxSizeInBytes: 20_000 });
    while (batch.tryAdd({ body: { n: batch.count, padding: "x".repeat(500) } }));
    assert.ok(batch.count > 20 && batch.sizeInBytes <= 20_000, `${batch.count} events`);
    await producer.sendBatch(batch);
    const events = await receive(consumer, "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, batch.count);
    assert.deepEqual(
      events.map((event) => event.body.n),
      Array.from({ length: batch.count }, (_, n) => n),
    );
  });

  await check("event hubs: more than 1 MB is refused", async () => {
    const batch = await producer.createBatch();
    assert.equal(batch.maxSizeInBytes, 1_048_576);
    assert.equal(batch.tryAdd({ body: "x".repeat(1_100_000) }), false);
    const refused = producer.sendBatch([{ body: "x".repeat(1_100_000) }], { partitionId: "0" });
    await assert.rejects(refused, { code: "MessageTooLargeError" });
  });

  await check("event hubs: receiving starts at an offset, a number, a time, the end", async () => {
    const before = await producer.getPartitionProperties("3");
    await producer.sendBatch([{ body: "one" }, { body: "two" }], { partitionId: "3" });
    await eventually("the clock moves on", () => Date.now() > before.lastEnqueuedOnUtc.getTime() + 1);
    const from = { sequenceNumber: before.lastEnqueuedSequenceNumber };
    const [one, two] = await receive(consumer, "3", from, 2);
    const first = async (position) => (await receive(consumer, "3", position, 1))[0].body;
    assert.equal(await first({ sequenceNumber: two.sequenceNumber, isInclusive: true }), "two");
    assert.equal(await first({ sequenceNumber: one.sequenceNumber }), "two");
    assert.equal(await first({ offset: one.offset }), "two");
    assert.equal(await first({ offset: one.offset, isInclusive: true }), "one");
    assert.equal(await first({ enqueuedOn: new Date(one.enqueuedTimeUtc.getTime() - 1) }), "one");
    const [oldest] = await receive(consumer, "3", earliestEventPosition, 1);
    const { beginningSequenceNumber } = await producer.getPartitionProperties("3");
    assert.equal(oldest.sequenceNumber, beginningSequenceNumber);
  });

  await check("event hubs: from the end on there is only what is sent later", async () => {
    await producer.sendBatch([{ body: "earlier" }], { partitionId: "3" });
    const body = unique("later");
    let reading = true;
    const first = receive(consumer, "3", latestEventPosition, 1).finally(() => (reading = false));
    while (reading) {
      await producer.sendBatch([{ body }], { partitionId: "3" });
    }
    assert.equal((await first)[0].body, body);
  });

  await check("event hubs: every consumer group has all events, an unknown one is refused", async () => {
    const before = await producer.getPartitionProperties("2");
    await producer.sendBatch([{ body: "for all" }], { partitionId: "2" });
    for (const group of [GROUP, "stream-analytics", EventHubConsumerClient.defaultConsumerGroupName]) {
      const other = new EventHubConsumerClient(group, connection, HUB);
      const [event] = await receive(other, "2", { sequenceNumber: before.lastEnqueuedSequenceNumber }, 1);
      assert.equal(event.body, "for all");
      await other.close();
    }
    const unknown = new EventHubConsumerClient("no-such-group", connection, HUB);
    await assert.rejects(receive(unknown, "2", earliestEventPosition, 1), { code: "MessagingEntityNotFoundError" });
    await unknown.close();
  });

  await check("event hubs: a reader that asks is told how far the partition is", async () => {
    const before = await producer.getPartitionProperties("0");
    await producer.sendBatch([{ body: "x" }, { body: "y" }], { partitionId: "0" });
    const partition = {};
    await receive(consumer, "0", { sequenceNumber: before.lastEnqueuedSequenceNumber }, 1, {
      trackLastEnqueuedEventProperties: true,
      partition,
    });
    assert.equal(partition.context.lastEnqueuedEventProperties.sequenceNumber, before.lastEnqueuedSequenceNumber + 2);
  });

  await check("event hubs: the owner of a higher level takes a partition over", async () => {
    const low = {};
    const reads = new Promise((resolve) => (low.reads = resolve));
    const lost = new Promise((resolve) => {
      const handlers = { processEvents: async () => low.reads(), processError: async (error) => resolve(error) };
      const options = { ownerLevel: 1, startPosition: earliestEventPosition };
      low.subscription = consumer.subscribe("1", handlers, options);
    });
    await reads;
    const other = new EventHubConsumerClient(GROUP, connection, HUB);
    await receive(other, "1", earliestEventPosition, 1, { ownerLevel: 5 });
    assert.equal((await lost).code, "ReceiverDisconnectedError");
    await low.subscription.close();
    await other.close();
  });

  await check("event hubs: a buffered producer sends what it has, to the partition of the key", async () => {
    const key = unique("buffered");
    const starts = await ends(producer);
    const failures = [];
    const buffered = new EventHubBufferedProducerClient(connection, HUB, {
      onSendEventsErrorHandler: async ({ error }) => void failures.push(error),
    });
    const bodies = Array.from({ length: 50 }, (_, n) => `${key} ${n}`);
    for (const body of bodies) {
      await buffered.enqueueEvent({ body }, { partitionKey: key });
    }
    await buffered.close({ flush: true });
    assert.deepEqual(failures, []);
    await producer.sendBatch([{ body: `${key} last` }], { partitionKey: key });
    const found = await received(consumer, starts, (event) => String(event.body).startsWith(key), 51);
    assert.deepEqual(
      found.map(([, event]) => event.body),
      [...bodies, `${key} last`],
    );
    // The client hashes the key itself, the service does for what the other producer sends.
    assert.equal(new Set(found.map(([partition]) => partition)).size, 1);
  });

  await check("event hubs: an unknown hub is refused", async () => {
    const unknown = new EventHubProducerClient(connection, "no-such-hub");
    await assert.rejects(unknown.getEventHubProperties(), { code: "MessagingEntityNotFoundError" });
    await assert.rejects(unknown.sendBatch([{ body: 1 }]), { code: "MessagingEntityNotFoundError" });
    await unknown.close();
  });

  await check("event hubs: a wrong key is refused at once", async () => {
    const began = Date.now();
    // By default the SDK tries again for a minute and a half: a key may have been changed a moment ago.
    const options = { retryOptions: { maxRetries: 0 } };
    const wrongKey = connection.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=wrong");
    const wrong = new EventHubProducerClient(wrongKey, HUB, options);
    await assert.rejects(wrong.sendBatch([{ body: 1 }]), { code: "UnauthorizedError" });
    assert.ok(Date.now() - began < 3000, `took ${Date.now() - began} ms`);
    await wrong.close();
  });

  await producer.close();
  await consumer.close();
}
