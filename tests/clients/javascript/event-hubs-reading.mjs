// Reading so many events of a hub with @azure/event-hubs, and no more: what the cases of several areas need.

/** The first `count` events of a partition from a position on. */
export async function receive(consumer, partitionId, startPosition, count, { partition = {}, ...options } = {}) {
  let subscription;
  const events = [];
  const done = new Promise((resolve, reject) => {
    const handlers = {
      processEvents: async (batch, context) => {
        partition.context = context;
        events.push(...batch);
        if (events.length >= count) {
          resolve(events.slice(0, count));
        }
      },
      processError: async (error) => reject(error),
    };
    subscription = consumer.subscribe(partitionId, handlers, { startPosition, maxWaitTimeInSeconds: 1, ...options });
  });
  return done.finally(() => subscription.close());
}

/** The last sequence number of every partition. */
export async function ends(client) {
  const ids = await client.getPartitionIds();
  const properties = await Promise.all(ids.map((id) => client.getPartitionProperties(id)));
  return Object.fromEntries(properties.map((one) => [one.partitionId, one.lastEnqueuedSequenceNumber]));
}

/** The first `count` events that `wanted` accepts behind `starts`, of all partitions, as [partition id, event]. */
export async function received(consumer, starts, wanted, count) {
  const found = [];
  let subscription;
  const done = new Promise((resolve, reject) => {
    const handlers = {
      processEvents: async (batch, { partitionId }) => {
        found.push(...batch.filter(wanted).map((event) => [partitionId, event]));
        if (found.length >= count) {
          resolve(found);
        }
      },
      processError: async (error) => reject(error),
    };
    const positions = Object.entries(starts).map(([id, sequenceNumber]) => [id, { sequenceNumber }]);
    subscription = consumer.subscribe(handlers, {
      startPosition: Object.fromEntries(positions),
      maxWaitTimeInSeconds: 1,
    });
  });
  return done.finally(() => subscription.close());
}
