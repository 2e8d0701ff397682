/** `@std` comes from a mirror on npm (`deno-std`). These tests compare the parts that we use with WebCrypto and Node. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import * as fc from "fast-check";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const bytes = fc.uint8Array({ maxLength: 5000 }).map((array) => Uint8Array.from(array));

const CODECS = [
  { name: "hex", encode: encodeHex, decode: decodeHex, malformed: ["0", "0g", "é0", "0x00", " 00", "00\n", "000"] },
  {
    name: "base64",
    encode: encodeBase64,
    decode: decodeBase64,
    malformed: ["A", "AAAAA", "AA-_", "AA*=", "=AAA", "A===", "AAAA\n", " AAA"],
  },
  {
    name: "base64url",
    encode: encodeBase64Url,
    decode: decodeBase64Url,
    malformed: ["A", "AAAAA", "AA+/", "AA*", "=AAA", "AAAA\n", " AAA"],
  },
] as const;

for (const { name, encode, decode, malformed } of CODECS) {
  const check = (data: Uint8Array<ArrayBuffer>) => {
    const expected = Buffer.from(data).toString(name);
    assertEquals(encode(data), expected);
    assertEquals(decode(expected), data);
  };

  Deno.test(`${name} agrees with Node's Buffer in both directions: no bytes, all bytes, random bytes`, () => {
    check(new Uint8Array());
    check(ALL_BYTES);
    fc.assert(fc.property(bytes, check), { numRuns: 300 });
  });

  Deno.test(`${name} refuses malformed text`, async (t) => {
    for (const text of malformed) await t.step(JSON.stringify(text), () => void assertThrows(() => decode(text)));
  });
}

const aesGcm = fc.record({ raw: fc.uint8Array({ minLength: 32, maxLength: 32 }), data: bytes, aad: bytes });
const importKey = (raw: Uint8Array) =>
  crypto.subtle.importKey("raw", Uint8Array.from(raw), "AES-GCM", false, ["encrypt", "decrypt"]);

function nodeOpen(raw: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array {
  const decipher = createDecipheriv("aes-256-gcm", raw, sealed.subarray(0, 12)).setAAD(aad);
  decipher.setAuthTag(sealed.subarray(-16));
  return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]));
}

function nodeSeal(raw: Uint8Array, data: Uint8Array, aad: Uint8Array): Uint8Array<ArrayBuffer> {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const cipher = createCipheriv("aes-256-gcm", raw, iv).setAAD(aad);
  return Uint8Array.from(Buffer.concat([iv, cipher.update(data), cipher.final(), cipher.getAuthTag()]));
}

Deno.test("node:crypto and WebCrypto open the result of encryptAesGcm(): IV, ciphertext, tag", async () => {
  await fc.assert(
    fc.asyncProperty(aesGcm, async ({ raw, data, aad }) => {
      const key = await importKey(raw);
      const sealed = await encryptAesGcm(key, data, { additionalData: aad });
      assertEquals(sealed.length, 12 + data.length + 16);
      assertEquals(nodeOpen(raw, sealed, aad), data);
      const algorithm = { name: "AES-GCM", iv: sealed.subarray(0, 12), additionalData: aad };
      assertEquals(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed.subarray(12))), data);
    }),
    { numRuns: 200, examples: [[{ raw: new Uint8Array(32), data: new Uint8Array(), aad: new Uint8Array() }]] },
  );
});

Deno.test("decryptAesGcm() opens bytes that node:crypto sealed", async () => {
  await fc.assert(
    fc.asyncProperty(aesGcm, async ({ raw, data, aad }) => {
      const sealed = nodeSeal(raw, data, aad);
      assertEquals(await decryptAesGcm(await importKey(raw), sealed, { additionalData: aad }), data);
    }),
    { numRuns: 200 },
  );
});

Deno.test("decryptAesGcm() refuses any changed byte, other additional data, another key, and too few bytes", async () => {
  const raw = crypto.getRandomValues(new Uint8Array(32));
  const [key, otherKey] = [await importKey(raw), await importKey(crypto.getRandomValues(new Uint8Array(32)))];
  const additionalData = new Uint8Array([1, 2, 3]);
  const sealed = nodeSeal(raw, ALL_BYTES, additionalData);
  for (const index of sealed.keys()) {
    const changed = sealed.slice();
    changed[index] = (changed[index] ?? 0) ^ 1;
    const open = () => decryptAesGcm(key, changed, { additionalData });
    const error = await assertRejects(open, DOMException, "", `byte ${index}`);
    assertEquals(error.name, "OperationError", `byte ${index}`);
  }
  await assertRejects(() => decryptAesGcm(key, sealed), DOMException);
  await assertRejects(() => decryptAesGcm(key, sealed, { additionalData: new Uint8Array([1, 2, 4]) }), DOMException);
  await assertRejects(() => decryptAesGcm(otherKey, sealed, { additionalData }), DOMException);
  for (const length of [0, 12, 27]) {
    await assertRejects(() => decryptAesGcm(key, sealed.slice(0, length)), RangeError, "", `${length} bytes`);
  }
});

Deno.test("encryptAesGcm() uses a new random IV each time", async () => {
  const key = await importKey(new Uint8Array(32));
  const ivs = await Promise.all(
    Array.from({ length: 1000 }, async () => encodeHex((await encryptAesGcm(key, ALL_BYTES)).subarray(0, 12))),
  );
  assertEquals(new Set(ivs).size, ivs.length);
});

Deno.test("deno.lock has the mirror's integrity hash", async () => {
  const lock = JSON.parse(await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)));
  assertMatch(lock.npm["deno-std@1.4.0"].integrity, /^sha512-[A-Za-z0-9+/]{86}==$/);
});
