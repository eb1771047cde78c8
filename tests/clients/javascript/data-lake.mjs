// Data Lake Storage with @azure/storage-file-datalake, and the same files with @azure/storage-blob.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { BlobServiceClient } from "@azure/storage-blob";
import {
  DataLakeFileSystemClient,
  DataLakeServiceClient,
  FileSystemSASPermissions,
} from "@azure/storage-file-datalake";
import { check, setting, unique } from "./cases.mjs";

export default async function dataLake() {
  const connection = setting("DataLake");
  const service = DataLakeServiceClient.fromConnectionString(connection);
  const system = service.getFileSystemClient(unique("lake"));
  const text = async (file, ...range) => (await file.readToBuffer(...range)).toString();

  await check("data lake: file systems are made, listed and have properties", async () => {
    assert.equal((await system.createIfNotExists({ metadata: { owner: "check" } })).succeeded, true);
    assert.equal((await system.createIfNotExists()).succeeded, false);
    const names = [];
    for await (const { name } of service.listFileSystems()) {
      names.push(name);
    }
    assert.ok(names.includes(system.name) && names.includes("events"), names.join());
    assert.deepEqual((await system.getProperties()).metadata, { owner: "check" });
    assert.equal(await service.getFileSystemClient("none-of-these").exists(), false);
  });

  await check("data lake: a file is appended to, flushed and read in ranges", async () => {
    const directory = system.getDirectoryClient("raw/2026");
    await directory.create();
    assert.equal(await directory.exists(), true);
    const file = directory.getFileClient("zażółć gęś.txt");
    await file.create();
    await file.append("hello ", 0, 6);
    await file.append(Buffer.from("world"), 6, 5);
    assert.equal((await file.getProperties()).contentLength, 0);
    await file.flush(11);
    assert.equal(await text(file), "hello world");
    assert.equal(await text(file, 6, 3), "wor");
    const chunks = [];
    for await (const chunk of (await file.read(2)).readableStreamBody) {
      chunks.push(chunk);
    }
    assert.equal(Buffer.concat(chunks).toString(), "llo world");
    await assert.rejects(file.flush(99), { statusCode: 400, code: "InvalidFlushPosition" });
  });

  await check("data lake: upload, properties, headers and metadata", async () => {
    const file = system.getFileClient("uploaded.json");
    const content = JSON.stringify(Array.from({ length: 5000 }, (_, n) => ({ n })));
    const pathHttpHeaders = { contentType: "application/json", cacheControl: "no-cache" };
    const options = { pathHttpHeaders, metadata: { kind: "json" }, chunkSize: 10_000, maxConcurrency: 2 };
    await file.upload(Buffer.from(content), options);
    const properties = await file.getProperties();
    assert.equal(properties.contentLength, content.length);
    assert.equal(properties.contentType, "application/json");
    assert.equal(properties.cacheControl, "no-cache");
    assert.deepEqual(properties.metadata, { kind: "json" });
    assert.equal(await text(file), content);
    await file.setMetadata({ kind: "other" });
    await file.setHttpHeaders({ contentType: "text/plain" });
    const changed = await file.getProperties();
    assert.deepEqual([changed.metadata, changed.contentType], [{ kind: "other" }, "text/plain"]);
  });

  await check("data lake: paths are listed, a directory's own or all below it, page by page", async () => {
    for (const name of ["tree/a.txt", "tree/b/c.txt", "tree/b/d/e.txt"]) {
      await system.getFileClient(name).upload(Buffer.from(name));
    }
    const list = async (options) => {
      const found = [];
      for await (const page of system.listPaths({ path: "tree", ...options }).byPage({ maxPageSize: 2 })) {
        assert.ok(page.pathItems.length <= 2);
        found.push(...page.pathItems.map((item) => `${item.name}${item.isDirectory ? "/" : ` ${item.contentLength}`}`));
      }
      return found.toSorted();
    };
    assert.deepEqual(await list({ recursive: false }), ["tree/a.txt 10", "tree/b/"]);
    const all = ["tree/a.txt 10", "tree/b/", "tree/b/c.txt 12", "tree/b/d/", "tree/b/d/e.txt 14"];
    assert.deepEqual(await list({ recursive: true }), all);
  });

  await check("data lake: a file and a directory are renamed", async () => {
    const file = system.getFileClient("tree/a.txt");
    await file.move("tree/renamed ą.txt");
    assert.equal(await file.exists(), false);
    assert.equal(await text(system.getFileClient("tree/renamed ą.txt")), "tree/a.txt");
    await system.getDirectoryClient("tree/b").move("moved");
    assert.equal(await text(system.getFileClient("moved/d/e.txt")), "tree/b/d/e.txt");
    assert.equal(await system.getFileClient("tree/b/c.txt").exists(), false);
    await assert.rejects(file.move("anywhere"), { statusCode: 404 });
  });

  await check("data lake: writes on a condition", async () => {
    const file = system.getFileClient("conditional");
    const { etag } = await file.create();
    const isNew = { conditions: { ifNoneMatch: "*" } };
    await assert.rejects(file.create(isNew), { statusCode: 409, code: "PathAlreadyExists" });
    await file.append("x", 0, 1);
    await file.flush(1, { conditions: { ifMatch: etag } });
    await file.append("y", 1, 1);
    await assert.rejects(file.flush(2, { conditions: { ifMatch: etag } }), { statusCode: 412 });
    await assert.rejects(file.delete(false, { conditions: { ifMatch: etag } }), { statusCode: 412 });
    assert.equal(await text(file), "x");
    assert.equal((await file.createIfNotExists()).succeeded, false);
    const lease = file.getDataLakeLeaseClient();
    await lease.acquireLease(15);
    await assert.rejects(file.delete(), { statusCode: 412 });
    await file.delete(false, { conditions: { leaseId: lease.leaseId } });
    assert.equal(await file.exists(), false);
  });

  await check("data lake: access control lists are kept", async () => {
    const directory = system.getDirectoryClient("guarded");
    await directory.create({ permissions: "rwxr-x---", umask: "0000" });
    assert.equal((await directory.getAccessControl()).permissions.owner.read, true);
    const acl = [
      ["user", "rwx"],
      ["group", "r-x"],
      ["other", "---"],
    ].map(([accessControlType, letters]) => ({
      accessControlType,
      entityId: "",
      defaultScope: false,
      permissions: { read: letters[0] === "r", write: letters[1] === "w", execute: letters[2] === "x" },
    }));
    await directory.setAccessControl(acl);
    assert.deepEqual((await directory.getAccessControl()).acl, acl);
  });

  await check("data lake: directories are deleted with what is in them", async () => {
    await assert.rejects(system.getDirectoryClient("moved").delete(), { statusCode: 409, code: "DirectoryNotEmpty" });
    await system.getDirectoryClient("moved").delete(true);
    assert.equal(await system.getFileClient("moved/d/e.txt").exists(), false);
    assert.equal((await system.getDirectoryClient("moved").deleteIfExists(true)).succeeded, false);
  });

  await check("data lake: the blob endpoint has the same files", async () => {
    const container = BlobServiceClient.fromConnectionString(connection).getContainerClient(system.name);
    const blob = container.getBlockBlobClient("uploaded.json");
    assert.equal((await blob.downloadToBuffer(0, 9)).toString(), '[{"n":0},');
    await container.getBlockBlobClient("by-blob/x.txt").upload("from the blob side", 18);
    assert.equal(await text(system.getFileClient("by-blob/x.txt")), "from the blob side");
    const names = [];
    for await (const item of container.listBlobsByHierarchy("/", { prefix: "by-blob/" })) {
      names.push(item.name);
    }
    assert.deepEqual(names, ["by-blob/x.txt"]);
    await blob.deleteIfExists();
    assert.equal(await system.getFileClient("uploaded.json").exists(), false);
  });

  await check("data lake: a stream is uploaded, and read as one", async () => {
    const file = system.getFileClient("streamed");
    const lines = Array.from({ length: 2000 }, (_, n) => `line ${n}\n`);
    const stream = Readable.from(lines.map((line) => Buffer.from(line)));
    await file.uploadStream(stream, { chunkSize: 4096, maxConcurrency: 2 });
    const read = [];
    for await (const line of createInterface({ input: (await file.read()).readableStreamBody })) {
      read.push(`${line}\n`);
    }
    assert.deepEqual(read, lines);
  });

  await check("data lake: a shared access signature gives what it says", async () => {
    const expiresOn = new Date(Date.now() + 60_000);
    const may = async (letters) => {
      const permissions = FileSystemSASPermissions.parse(letters);
      return new DataLakeFileSystemClient(await system.generateSasUrl({ permissions, expiresOn }));
    };
    const writer = await may("racwdlm");
    await writer.getFileClient("signed/one").upload(Buffer.from("signed"));
    await writer.getFileClient("signed/one").move("signed/two");
    const names = [];
    for await (const { name } of writer.listPaths({ path: "signed" })) {
      names.push(name);
    }
    assert.deepEqual(names, ["signed/two"]);
    const reader = await may("r");
    assert.equal(await text(reader.getFileClient("signed/two")), "signed");
    await assert.rejects(reader.getFileClient("signed/two").delete(), { statusCode: 403 });
    await assert.rejects(reader.getFileClient("signed/three").create(), { statusCode: 403 });
  });

  await check("data lake: a wrong key is refused at once", async () => {
    const wrongKey = connection.replace(/AccountKey=[^;]*/, `AccountKey=${btoa("wrong")}`);
    const wrong = DataLakeServiceClient.fromConnectionString(wrongKey).getFileSystemClient(system.name);
    await assert.rejects(wrong.getProperties(), { statusCode: 403 });
    await assert.rejects(wrong.getFileClient("x").create(), { statusCode: 403 });
  });

  await check("data lake: a file system is gone once it is deleted", async () => {
    await system.delete();
    assert.equal(await system.exists(), false);
  });
}
