// Runs Azurite for as long as our stdin stays open: it ends with its parent, even one that was killed with -9.
// Azurite's own entry (azurite.js) prints no machine-readable ports and ends on signals only, so this stands around it.
"use strict";

const path = require("path");

const [location, blobPort, queuePort, tablePort] = process.argv.slice(2);
const entry = path.join(__dirname, "node_modules", "azurite", "dist", "src", "azurite.js");
const LISTENING = /^Azurite (Blob|Queue|Table) service is successfully listening at http:\/\/[^:]+:(\d+)/;
const GRACE_MS = 8000; // an unfinished request must not hold us: our parent's patience is 10 s

// stdout carries the ready line alone; everything Azurite says goes to stderr.
const logged = console.log.bind(console);
const ports = {};
console.log = (...words) => {
  const line = words.join(" ");
  const match = LISTENING.exec(line);
  if (!match) {
    console.error(line);
    return;
  }
  ports[match[1].toLowerCase()] = Number(match[2]);
  if (Object.keys(ports).length === 3) logged(JSON.stringify({ ready: "azurite", ...ports }));
};

// Azurite answers SIGTERM by saving its index and closing. Before it listens it does not, and then nothing is lost.
const stop = () => process.kill(process.pid, "SIGTERM");
process.stdin.on("end", stop).on("error", stop).resume();
process.stdin.unref?.();
process.on("SIGTERM", () => {
  if (Object.keys(ports).length < 3) process.exit(0);
  setTimeout(() => process.exit(0), GRACE_MS).unref();
});

process.argv = [
  process.argv[0], entry, "--silent", "--skipApiVersionCheck", "--disableTelemetry", "--location", location,
  "--blobHost", "127.0.0.1", "--blobPort", blobPort,
  "--queueHost", "127.0.0.1", "--queuePort", queuePort,
  "--tableHost", "127.0.0.1", "--tablePort", tablePort,
];
require(entry);
