import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { decryptAesGcm } from "@std/crypto/aes-gcm";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import * as fc from "fast-check";
import { ApiError } from "../api_error.ts";
import { importKeyring } from "./keyring.ts";
import { additionalData, open, seal, type SealedRow } from "./seal.ts";

const [keyA, keyB] = [crypto.getRandomValues(new Uint8Array(32)), crypto.getRandomValues(new Uint8Array(32))];
const ring = await importKeyring(keyA, [keyB]);
const otherRing = await importKeyring(keyB, [keyA]);
const ROW: SealedRow = {
  tenantId: "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11",
  service: "amazon",
  credentialType: "api_key",
};
const JSON_TEXT = '{"api_key":"AKIAIOSFODNN7EXAMPLE"}';

async function assertUnreadable(work: Promise<string>): Promise<void> {
  assertEquals((await assertRejects(() => work, ApiError)).code, "credential_unreadable");
}

function* bitFlips(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let bit = 0; bit < bytes.byteLength * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    yield flipped;
  }
}

Deno.test("open() refuses every single-bit flip of IV, ciphertext and tag", async () => {
  const { sealed, keyId } = await seal(ring, ROW, JSON_TEXT);
  let flips = 0;
  for (const flipped of bitFlips(decodeBase64(sealed))) {
    await assertUnreadable(open(ring, ROW, encodeBase64(flipped), keyId));
    flips++;
  }
  assertEquals(flips, (12 + JSON_TEXT.length + 16) * 8);
});

Deno.test("open() refuses every truncation at either end, and every added byte", async () => {
  const { sealed, keyId } = await seal(ring, ROW, JSON_TEXT);
  const bytes = decodeBase64(sealed);
  for (let length = 0; length < bytes.byteLength; length++) {
    await assertUnreadable(open(ring, ROW, encodeBase64(bytes.subarray(0, length)), keyId));
    await assertUnreadable(open(ring, ROW, encodeBase64(bytes.subarray(bytes.byteLength - length)), keyId));
  }
  for (const added of [0, 255]) {
    await assertUnreadable(open(ring, ROW, encodeBase64(new Uint8Array([...bytes, added])), keyId));
    await assertUnreadable(open(ring, ROW, encodeBase64(new Uint8Array([added, ...bytes])), keyId));
  }
});

Deno.test("decryption fails if any single bit of the additional data is flipped", async () => {
  const { sealed, keyId } = await seal(ring, ROW, JSON_TEXT);
  const bytes = decodeBase64(sealed);
  const bound = additionalData(ROW, keyId);
  assertEquals(
    new TextDecoder().decode(await decryptAesGcm(ring.current, bytes, { additionalData: bound })),
    JSON_TEXT,
  );
  for (const flipped of bitFlips(bound)) {
    await assertRejects(
      () => decryptAesGcm(ring.current, bytes, { additionalData: flipped }),
      DOMException,
      "",
      encodeHex(flipped),
    );
  }
  await assertRejects(() => decryptAesGcm(ring.current, bytes), DOMException);
});

Deno.test("open() refuses every swap between rows that differ in one of tenant, service, type and key", async () => {
  const rows: [SealedRow, typeof ring][] = [
    [ROW, ring],
    [{ ...ROW, tenantId: "3a1c0f0d-6c1c-4a52-9d27-0b7f2c1e9b11" }, ring],
    [{ ...ROW, service: "stripe" }, ring],
    [{ ...ROW, credentialType: "oauth_token" }, ring],
    [ROW, otherRing],
  ];
  const sealedRows = await Promise.all(rows.map(async ([row, keys]) => ({ row, ...await seal(keys, row, JSON_TEXT) })));
  let swaps = 0;
  for (const [i, at] of sealedRows.entries()) {
    for (const [j, from] of sealedRows.entries()) {
      if (i === j) {
        assertEquals(await open(ring, at.row, at.sealed, at.keyId), JSON_TEXT, `row ${i}`);
      } else {
        swaps++;
        await assertUnreadable(open(ring, at.row, from.sealed, at.keyId));
      }
    }
  }
  assertEquals(swaps, 20);
});

Deno.test("open() refuses a row whose key id was changed to another known key's", async () => {
  const { sealed } = await seal(ring, ROW, JSON_TEXT);
  await assertUnreadable(open(ring, ROW, sealed, otherRing.currentId));
});

Deno.test("additionalData() differs for different rows", () => {
  const text = fc.string({ unit: fc.constantFrom("a", '"', ",", "\\", "[", "]", "\0", "é", "\ud83d\udd11", "_") });
  const parts = fc.tuple(text, text, text, text);
  const write = ([tenantId, service, credentialType, keyId]: [string, string, string, string]) =>
    encodeHex(additionalData({ tenantId, service, credentialType }, keyId));
  fc.assert(
    fc.property(parts, parts, (one, two) => {
      assertEquals(write(one) === write(two), one.every((part, index) => part === two[index]));
    }),
    { numRuns: 2000 },
  );
  // A plain join would make these parts equal.
  assertNotEquals(write(["a", "b,c", "d", "e"]), write(["a", "b", "c,d", "e"]));
  assertNotEquals(write(["a", 'b","c', "d", "e"]), write(["a", "b", 'c","d', "e"]));
  assertNotEquals(write(["é", "", "", ""]), write(["e\u0301", "", "", ""]));
});

Deno.test("seal() uses 2^16 IVs for 2^16 seals, and never repeats a ciphertext", async () => {
  const ivs = new Set<string>();
  const ciphertexts = new Set<string>();
  for (let round = 0; round < 256; round++) {
    const batch = await Promise.all(Array.from({ length: 256 }, () => seal(ring, ROW, JSON_TEXT)));
    for (const { sealed } of batch) {
      ivs.add(sealed.slice(0, 16));
      ciphertexts.add(sealed);
    }
  }
  assertEquals([ivs.size, ciphertexts.size], [2 ** 16, 2 ** 16]);
});

Deno.test("open() returns any JSON text that was sealed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.json({ stringUnit: "binary" }), async (json) => {
      const { sealed, keyId } = await seal(ring, ROW, json);
      assertEquals(await open(ring, ROW, sealed, keyId), json);
      assert(!sealed.includes(encodeBase64(json).slice(0, 16)) || json.length < 12);
    }),
    { numRuns: 300 },
  );
});
