// Consumer groups with KafkaJS: commits and resuming, members that come and go, and what an admin does to a group.

import assert from "node:assert/strict";
import { check, eventually, unique } from "./cases.mjs";
import { kafkaClient, latest } from "./kafka.mjs";

const TOPIC = "seismic"; // a hub of infra/eventhubs.json

export default async function kafkaGroups() {
  const client = kafkaClient();
  const admin = client.admin();
  const producer = client.producer();
  await admin.connect();
  await producer.connect();

  /** A member of a group that keeps what it reads; `assigned` has the partitions that it was given. */
  const join = async (groupId) => {
    const consumer = client.consumer({ groupId, heartbeatInterval: 500, sessionTimeout: 6000, maxWaitTimeInMs: 200 });
    const member = { read: [], assigned: [], stop: () => consumer.disconnect() };
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      member.assigned = payload.memberAssignment[TOPIC] ?? [];
      member.id = payload.memberId;
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [TOPIC] }); // what comes from now on, where nothing is committed
    await consumer.run({ eachMessage: async ({ message }) => void member.read.push(message.value.toString()) });
    return member;
  };
  /** Send `count` messages to every partition, and give their values. */
  const send = async (name, count) => {
    const messages = [0, 1, 2, 3].flatMap((partition) =>
      Array.from({ length: count }, (_, n) => ({ partition, value: `${name} ${partition} ${n}` })),
    );
    await producer.send({ topic: TOPIC, messages });
    return messages.map((message) => message.value).toSorted();
  };
  /** Commit the end of every partition, so that a group reads what is sent from here on. */
  const startAtEnd = async (groupId) => {
    const partitions = Object.entries(await latest(admin, TOPIC)).map(([partition, offset]) => ({
      partition: Number(partition),
      offset: String(offset),
    }));
    await admin.setOffsets({ groupId, topic: TOPIC, partitions });
  };
  const committed = async (groupId) => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [TOPIC] });
    return Object.fromEntries(partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  };

  const group = unique("group");
  await check("kafka groups: a member reads what is sent and commits it, another goes on there", async () => {
    await startAtEnd(group);
    const first = await send("first", 5);
    const one = await join(group);
    await eventually("everything read", () => one.read.length >= first.length);
    assert.deepEqual(one.read.toSorted(), first);
    await one.stop();
    assert.deepEqual(await committed(group), await latest(admin, TOPIC));
    const second = await send("second", 3);
    const two = await join(group);
    await eventually("what was sent since read", () => two.read.length >= second.length);
    assert.deepEqual(two.read.toSorted(), second);
    await two.stop();
  }, 30);

  await check("kafka groups: two members share the partitions, and the one that stays takes them all", async () => {
    const one = await join(group);
    const two = await join(group);
    await eventually("two partitions each", () => one.assigned.length === 2 && two.assigned.length === 2);
    assert.deepEqual([...one.assigned, ...two.assigned].toSorted(), [0, 1, 2, 3]);
    const { groups: [described] } = await admin.describeGroups([group]);
    assert.deepEqual([described.state, described.protocol], ["Stable", "RoundRobinAssigner"]);
    assert.deepEqual(described.members.map((member) => member.memberId).toSorted(), [one.id, two.id].toSorted());
    const third = await send("third", 4);
    await eventually("everything read", () => one.read.length + two.read.length >= third.length);
    assert.deepEqual([...one.read, ...two.read].toSorted(), third);
    assert.deepEqual([one.read.length, two.read.length], [8, 8]);
    await two.stop();
    await eventually("all partitions", () => one.assigned.length === 4);
    const fourth = await send("fourth", 2);
    await eventually("everything read", () => one.read.length >= 8 + fourth.length);
    assert.deepEqual(one.read.slice(8).toSorted(), fourth);
    await one.stop();
  }, 40);

  await check("kafka groups: they are listed, reset and deleted", async () => {
    const { groups } = await admin.listGroups();
    assert.ok(groups.some((one) => one.groupId === group && one.protocolType === "consumer"));
    await admin.resetOffsets({ groupId: group, topic: TOPIC, earliest: true });
    assert.deepEqual(await committed(group), { 0: -2, 1: -2, 2: -2, 3: -2 });
    const back = await latest(admin, TOPIC);
    await admin.setOffsets({ groupId: group, topic: TOPIC, partitions: [{ partition: 3, offset: `${back[3] - 2}` }] });
    assert.equal((await committed(group))[3], back[3] - 2);
    assert.deepEqual(await admin.deleteGroups([group]), [{ groupId: group, errorCode: 0 }]);
    assert.deepEqual(await committed(group), { 0: -1, 1: -1, 2: -1, 3: -1 });
    await assert.rejects(admin.deleteGroups([unique("none")]), { name: "KafkaJSDeleteGroupsError" });
  });

  await producer.disconnect();
  await admin.disconnect();
}
