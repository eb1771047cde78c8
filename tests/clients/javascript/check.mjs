// Runs every case against the stack whose settings are in the environment (`python -m local env` prints them).
// `node check.mjs cosmos kafka` runs the areas whose names begin so. `python -m tests.clients.check javascript` starts
// a stack of its own for it.

import { failures } from "./cases.mjs";
import chain from "./chain.mjs";
import cosmosDocuments from "./cosmos-documents.mjs";
import cosmosQueries from "./cosmos-queries.mjs";
import dataLake from "./data-lake.mjs";
import eventHubs from "./event-hubs.mjs";
import eventHubsProcessor from "./event-hubs-processor.mjs";
import eventHubsRetries from "./event-hubs-retries.mjs";
import kafka from "./kafka.mjs";
import kafkaGroups from "./kafka-groups.mjs";

const areas = {
  "event-hubs": eventHubs,
  "event-hubs-processor": eventHubsProcessor,
  "event-hubs-retries": eventHubsRetries,
  "cosmos-documents": cosmosDocuments,
  "cosmos-queries": cosmosQueries,
  "data-lake": dataLake,
  kafka,
  "kafka-groups": kafkaGroups,
  chain,
};

const chosen = process.argv.slice(2);
for (const [name, run] of Object.entries(areas)) {
  if (!chosen.length || chosen.some((start) => name.startsWith(start))) {
    await run();
  }
}
// A case that ran out of time may have left a connection open: it must not keep the program alive.
process.exit(failures() ? 1 : 0);
