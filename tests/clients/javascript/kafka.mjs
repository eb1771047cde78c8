// The Kafka endpoint with KafkaJS: producing, the topics and their offsets, and what crosses to and from AMQP.

import assert from "node:assert/strict";
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import kafkajs from "kafkajs";
import { check, setting, unique } from "./cases.mjs";
import { ends, receive } from "./event-hubs-reading.mjs";

const { CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs; // CommonJS: not all are named exports
const TOPIC = "weather"; // a hub of infra/eventhubs.json

export const kafkaClient = (options = {}) =>
  new Kafka({
    brokers: [setting("EventHubs__kafkaBootstrapServers")],
    sasl: { mechanism: "plain", username: "$ConnectionString", password: setting("EventHubs") },
    logLevel: logLevel.NOTHING,
    ...options,
  });

export default async function kafka() {
  const client = kafkaClient();
  const admin = client.admin();
  const producer = client.producer({ idempotent: true, maxInFlightRequests: 1 });
  const connection = setting("EventHubs");
  const hub = new EventHubProducerClient(connection, TOPIC);
  const consumer = new EventHubConsumerClient("tools", connection, TOPIC);

  await check("kafka: an admin sees the hubs as topics, with partitions and configuration", async () => {
    await admin.connect();
    const topics = await admin.listTopics();
    for (const name of ["dev", "places", "weather", "seismic", "enriched", "dead-letters"]) {
      assert.ok(topics.includes(name), topics.join());
    }
    const { topics: [{ partitions }] } = await admin.fetchTopicMetadata({ topics: [TOPIC] });
    assert.deepEqual(partitions.map((one) => one.partitionId).toSorted(), [0, 1, 2, 3]);
    const { brokers } = await admin.describeCluster();
    assert.equal(`localhost:${brokers[0].port}`, setting("EventHubs__kafkaBootstrapServers"));
    const resource = { type: ConfigResourceTypes.TOPIC, name: TOPIC };
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
    assert.ok(resources[0].configEntries.some((one) => one.configName === "retention.ms"));
  });

  await check("kafka: an idempotent producer is told where each message went", async () => {
    await producer.connect();
    const before = await latest(admin, TOPIC);
    const messages = Array.from({ length: 20 }, (_, n) => ({ key: `key-${n % 4}`, value: `value ${n}` }));
    const sent = await producer.send({ topic: TOPIC, acks: -1, messages });
    const after = await latest(admin, TOPIC);
    for (const { partition, baseOffset } of sent) {
      assert.equal(Number(baseOffset), before[partition]);
    }
    const sum = (offsets) => Object.values(offsets).reduce((total, one) => total + one, 0);
    assert.equal(sum(after) - sum(before), messages.length);
  });

  await check("kafka: keys, headers, values and timestamps come back, gzip or not", async () => {
    const before = await latest(admin, TOPIC);
    const messages = [
      { key: "k", value: "Łódź", partition: 2, headers: { one: "1", bytes: Buffer.from([0, 255]) } },
      { key: null, value: Buffer.from([1, 2, 3]), partition: 2 },
      { key: "tombstone", value: null, partition: 2 },
    ];
    await producer.send({ topic: TOPIC, messages: messages.slice(0, 1) });
    await producer.send({ topic: TOPIC, compression: CompressionTypes.GZIP, messages: messages.slice(1) });
    const read = await consume(client, TOPIC, { 2: before[2] }, 3);
    assert.deepEqual(
      read.map(({ offset }) => Number(offset)),
      [before[2], before[2] + 1, before[2] + 2],
    );
    const [text, bytes, tombstone] = read;
    assert.deepEqual([text.key.toString(), text.value.toString()], ["k", "Łódź"]);
    const { one, bytes: raw } = text.headers;
    assert.deepEqual([one.toString(), [...raw]], ["1", [0, 255]]);
    assert.ok(Math.abs(Date.now() - Number(text.timestamp)) < 10_000, text.timestamp);
    assert.deepEqual([bytes.key, [...bytes.value]], [null, [1, 2, 3]]);
    assert.deepEqual([tombstone.key.toString(), tombstone.value], ["tombstone", null]);
  });

  await check("kafka: offsets of a time, the first and the last", async () => {
    const messages = [{ value: "now", partition: 0 }];
    const [{ partition, baseOffset }] = await producer.send({ topic: TOPIC, messages });
    const [{ timestamp }] = await consume(client, TOPIC, { [partition]: Number(baseOffset) }, 1);
    const at = await admin.fetchTopicOffsetsByTimestamp(TOPIC, Number(timestamp));
    assert.ok(Number(at.find((one) => one.partition === partition).offset) <= Number(baseOffset));
    const later = await admin.fetchTopicOffsetsByTimestamp(TOPIC, Date.now() + 60_000);
    const { high, low } = (await admin.fetchTopicOffsets(TOPIC)).find((one) => one.partition === partition);
    assert.equal(later.find((one) => one.partition === partition).offset, high);
    assert.deepEqual([Number(high), Number(low) >= 0], [Number(baseOffset) + 1, true]);
  });

  await check("kafka: what KafkaJS sends is read over AMQP", async () => {
    const start = (await ends(hub))["1"];
    const headers = { source: "kafkajs" };
    await producer.send({ topic: TOPIC, messages: [{ key: "abc", value: '{"n":1}', partition: 1, headers }] });
    const [event] = await receive(consumer, "1", { sequenceNumber: start }, 1);
    assert.deepEqual(event.body, { n: 1 });
    // Binary properties are objects of numbered bytes: the SDK copies all that is no string, number or date.
    const text = (bytes) => Buffer.from(Object.values(bytes)).toString();
    assert.equal(text(event.properties.source), "kafkajs");
    assert.equal(text(event.systemProperties["x-opt-kafka-key"]), "abc");
    assert.equal(event.sequenceNumber, start + 1);
  });

  await check("kafka: what the SDK sends over AMQP is read by KafkaJS", async () => {
    const key = unique("key");
    const before = await latest(admin, TOPIC);
    const properties = { text: "abc", number: 7 };
    const event = { body: { n: 2 }, contentType: "application/json", messageId: "m1", properties };
    await hub.sendBatch([event], { partitionKey: key });
    const after = await latest(admin, TOPIC);
    const partition = Object.keys(after).find((one) => after[one] > before[one]);
    const [message] = await consume(client, TOPIC, { [partition]: before[partition] }, 1);
    assert.deepEqual(JSON.parse(message.value), { n: 2 });
    assert.equal(message.key, null);
    const { headers } = message;
    assert.equal(headers["x-opt-partition-key"].toString(), key);
    assert.equal(headers["content-type"].toString(), "application/json");
    assert.equal(headers["message-id"].toString(), "m1");
    // AMQP-encoded: a type code (here a string of up to 255 bytes), its length, the text.
    assert.deepEqual([...headers.text], [0xa1, 3, ...Buffer.from("abc")]);
    assert.equal(Number(message.offset), before[partition]);
  });

  await check("kafka: a wrong key is refused at once", async () => {
    const password = connection.replace(/SharedAccessKey=[^;]*/, "SharedAccessKey=wrong");
    const began = Date.now();
    const wrong = kafkaClient({ sasl: { mechanism: "plain", username: "$ConnectionString", password } }).producer();
    await assert.rejects(wrong.connect(), { name: "KafkaJSSASLAuthenticationError" });
    assert.ok(Date.now() - began < 3000, `took ${Date.now() - began} ms`);
  });

  await check("kafka: transactions are refused", async () => {
    const options = { transactionalId: unique("tx"), idempotent: true, maxInFlightRequests: 1 };
    const transactional = client.producer(options);
    await transactional.connect();
    await assert.rejects(transactional.transaction(), { name: "KafkaJSGroupCoordinatorNotFound" });
    await transactional.disconnect();
  });

  await admin.disconnect();
  await producer.disconnect();
  await hub.close();
  await consumer.close();
}

/** The offset behind the last message of each partition. */
export async function latest(admin, topic) {
  const offsets = await admin.fetchTopicOffsets(topic);
  return Object.fromEntries(offsets.map(({ partition, high }) => [partition, Number(high)]));
}

/** The first `count` messages of one partition from an offset on, `{ [partition]: offset }`. */
async function consume(client, topic, from, count) {
  const [[partition, offset]] = Object.entries(from);
  const consumer = client.consumer({ groupId: unique("check"), maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const found = [];
  const done = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const eachMessage = async ({ partition: of, message }) => {
      if (of === Number(partition) && Number(message.offset) >= offset && found.push(message) === count) {
        resolve(found);
      }
    };
    const seek = () => consumer.seek({ topic, partition: Number(partition), offset: String(offset) });
    consumer.run({ autoCommit: false, eachMessage }).then(seek, reject);
  });
  return done.finally(() => consumer.disconnect());
}
