import { assert, assertEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";
import { encryptionKeyId, importKeyring, parseEncryptionKey } from "./keyring.ts";

const key = crypto.getRandomValues(new Uint8Array(32));
const other = crypto.getRandomValues(new Uint8Array(32));

Deno.test("parseEncryptionKey() reads 32 bytes as hex of either case and as base64", () => {
  assertEquals(parseEncryptionKey(encodeHex(key)), key);
  assertEquals(parseEncryptionKey(encodeHex(key).toUpperCase()), key);
  assertEquals(parseEncryptionKey(encodeBase64(key)), key);
});

Deno.test("parseEncryptionKey() refuses anything else", () => {
  const base64 = encodeBase64(new Uint8Array(32));
  const cases = [
    "",
    "your-32-byte-encryption-key-here",
    encodeHex(key).slice(2),
    `${encodeHex(key)}00`,
    encodeHex(key).replace(/.$/, "g"),
    encodeBase64(key.subarray(1)),
    encodeBase64(new Uint8Array(33)),
    base64.slice(0, -1),
    `${base64.slice(0, -2)}B=`,
    ` ${base64}`,
  ];
  for (const text of cases) assertEquals(parseEncryptionKey(text), undefined, text);
});

Deno.test("importKeyring() finds keys by id, and does not allow their export", async () => {
  const ring = await importKeyring(key, [other]);
  assertEquals(ring.currentId, encodeHex(await crypto.subtle.digest("SHA-256", key)).slice(0, 16));
  assertEquals(ring.find(ring.currentId), ring.current);
  const previous = ring.find(await encryptionKeyId(other));
  assertEquals(ring.find("0".repeat(16)), undefined);
  assertEquals([ring.current.extractable, previous?.extractable], [false, false]);
});

Deno.test("importKeyring() imports previous keys only for decryption", async () => {
  const ring = await importKeyring(key, [other]);
  assertEquals(ring.find(await encryptionKeyId(other))?.usages, ["decrypt"]);
  assertEquals([...ring.current.usages].sort(), ["decrypt", "encrypt"]);
});

Deno.test("importKeyring() seals with the current key even if it is also a previous key", async () => {
  assert((await importKeyring(key, [key])).current.usages.includes("encrypt"));
});
