import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { codeOf, toHex } from "@consilium/crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BlobStore, openFileBlobStore } from "../../src/storage/index.js";

let folder: string;
let blobs: BlobStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "consilium-blobs-"));
  blobs = await openFileBlobStore(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
const chunk = new Uint8Array(100_000).map((_, index) => index % 251);

async function* pieces(bytes: Uint8Array, sizeBytes: number) {
  for (let from = 0; from < bytes.length; from += sizeBytes) yield bytes.subarray(from, from + sizeBytes);
}

describe("the blob store on files", () => {
  it("gives back a chunk that was streamed in", async () => {
    expect(await blobs.put(sha256(chunk), pieces(chunk, 7_777))).toBe(chunk.length);
    expect(await blobs.has(sha256(chunk))).toBe(true);
    expect(await blobs.get(sha256(chunk))).toEqual(chunk);
  });

  it("still has the chunk when opened again, and sweeps up interrupted writes", async () => {
    await blobs.put(sha256(chunk), [chunk]);
    await writeFile(join(folder, "incoming", "half"), "interrupted");
    const again = await openFileBlobStore(folder);
    expect(await again.get(sha256(chunk))).toEqual(chunk);
    expect(await readdir(join(folder, "incoming"))).toEqual([]);
  });

  it("keeps nothing of bytes that do not have the digest", async () => {
    const digest = sha256(chunk);
    expect(await blobs.put(digest, [chunk.subarray(1)]).catch(codeOf)).toBe("BLOB_DIGEST_MISMATCH");
    expect(await blobs.has(digest)).toBe(false);
    expect(await readdir(join(folder, "incoming"))).toEqual([]);
  });

  it("answers undefined for an unknown chunk and deletes twice without complaint", async () => {
    const digest = sha256(chunk);
    expect(await blobs.get(digest)).toBeUndefined();
    await blobs.put(digest, [chunk]);
    await blobs.delete(digest);
    await blobs.delete(digest);
    expect(await blobs.get(digest)).toBeUndefined();
  });

  it("says so when a stored chunk rotted", async () => {
    const digest = sha256(chunk);
    await blobs.put(digest, [chunk]);
    await writeFile(join(folder, toHex(digest.subarray(0, 1)), toHex(digest)), "rot");
    expect(await blobs.get(digest).catch(codeOf)).toBe("BLOB_CORRUPT");
  });
});
