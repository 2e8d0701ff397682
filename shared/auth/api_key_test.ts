import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  apiKeyDigest,
  crc32,
  displayPrefix,
  generateKey,
  hasPrefix,
  importKernelSecret,
  isKey,
  kernelKeyDigest,
} from "./api_key.ts";

Deno.test("crc32() agrees with the check value of the CRC catalogue", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assertEquals(crc32(new Uint8Array()), 0);
});

Deno.test("generateKey() makes distinct keys of the documented form", () => {
  for (const [kind, prefix] of [["agent", "mcp_"], ["kernel", "krn_"]] as const) {
    const keys = Array.from({ length: 200 }, () => generateKey(kind));
    assertEquals(new Set(keys).size, 200, kind);
    for (const key of keys) {
      assertMatch(key, new RegExp(`^${prefix}[0-9A-Za-z]{49}$`), key);
      assert(isKey(kind, key), key);
    }
  }
});

Deno.test("generateKey() draws every character about equally often", () => {
  const counts = new Map<string, number>();
  for (let i = 0; i < 2000; i++) {
    for (const character of generateKey("agent").slice(4, 47)) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const expected = 2000 * 43 / 62;
  assertEquals(counts.size, 62);
  // Six standard deviations: a fair source fails this once in about ten million runs.
  for (const count of counts.values()) assert(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${count}`);
});

Deno.test("isKey() refuses a key with any one character changed", () => {
  const key = generateKey("agent");
  for (let i = 0; i < key.length; i++) {
    const changed = key.slice(0, i) + (key[i] === "x" ? "y" : "x") + key.slice(i + 1);
    assertEquals(isKey("agent", changed), false, changed);
  }
});

Deno.test("isKey() refuses another length, another kind and surrounding space", () => {
  const key = generateKey("kernel");
  for (const text of ["", "krn_", key.slice(0, -1), `${key}0`, ` ${key}`, `${key}\n`, key.replace("krn_", "mcp_")]) {
    assertEquals(isKey("kernel", text), false, JSON.stringify(text));
  }
  assertEquals(isKey("agent", key), false);
  assertEquals(hasPrefix("kernel", "krn_nonsense"), true);
});

Deno.test("apiKeyDigest() is SHA-256 in hex, of the whole key", () => {
  // FIPS 180-2, appendix B.1.
  assertEquals(apiKeyDigest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

Deno.test("kernelKeyDigest() is HMAC-SHA-256 in hex, and differs by secret", async () => {
  // RFC 4231, test case 2; its key is 4 bytes long.
  const secret = await importKernelSecret(new TextEncoder().encode("Jefe"));
  const digest = await kernelKeyDigest(secret, "what do ya want for nothing?");
  assertEquals(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const other = await importKernelSecret(new Uint8Array(32));
  assertNotEquals(await kernelKeyDigest(other, "what do ya want for nothing?"), digest);
  assertEquals(secret.extractable, false);
});

Deno.test("displayPrefix() shows 8 characters", () => {
  assertMatch(displayPrefix(generateKey("agent")), /^mcp_[0-9A-Za-z]{4}$/);
});
