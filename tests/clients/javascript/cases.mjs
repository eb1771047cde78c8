// Runs a case within its time and prints what became of it: `ok  CASE`, or `FAILED  CASE: reason`.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

let failed = 0;

/** Run one case. A failure is printed and counted, and the next case goes on. */
export async function check(name, body, seconds = 20) {
  const timer = new AbortController();
  const late = delay(seconds * 1000, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`not done after ${seconds} s`);
  });
  try {
    await Promise.race([body(), late]);
    console.log(`ok  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${reason(error)}`);
  } finally {
    late.catch(() => {});
    timer.abort();
  }
}

/** How many cases failed so far. */
export const failures = () => failed;

/** What `condition` gives once that is neither undefined nor false; asked again every 100 ms. */
export async function eventually(what, condition, seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what}: not so after ${seconds} s`);
    }
    await delay(100);
  }
}

/** A name that nothing else has, so that cases can run again on the same stack. */
export const unique = (prefix) => `${prefix}-${randomUUID().slice(0, 8)}`;

/** A setting of the stack. */
export function setting(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set: see python -m local env`);
  }
  return value;
}

function reason(error) {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const [line] = error?.stack?.match(/\w[\w-]*\.mjs:\d+/g)?.filter((at) => !at.startsWith("cases.")) ?? [];
  return `${text.replace(/\s+/g, " ").slice(0, 600)}${line ? ` (${line})` : ""}`;
}
