import { assertEquals, assertRejects } from "@std/assert";
import { decryptAesGcm } from "@std/crypto/aes-gcm";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { ApiError } from "../api_error.ts";
import { importKeyring } from "./keyring.ts";
import { open, seal } from "./seal.ts";
import vectors from "./testdata/nist_cavp_gcm_decrypt_256.json" with { type: "json" };

const ring = await importKeyring(crypto.getRandomValues(new Uint8Array(32)), []);
const ROW = { tenantId: "t", service: "amazon", credentialType: "api_key" };

Deno.test("decryptAesGcm() agrees with NIST's vectors, valid and invalid", async () => {
  let failing = 0;
  for (const { key, iv, ct, aad, tag, pt, fails } of vectors.cases) {
    const imported = await crypto.subtle.importKey("raw", decodeHex(key), "AES-GCM", false, ["decrypt"]);
    const opened = decryptAesGcm(imported, decodeHex(iv + ct + tag), { additionalData: decodeHex(aad) });
    if (fails) {
      failing++;
      await assertRejects(() => opened, DOMException, "", `IV ${iv}`);
    } else {
      assertEquals(encodeHex(await opened), pt, `IV ${iv}`);
    }
  }
  assertEquals([vectors.cases.length, failing], [375, 191]);
});

Deno.test("decryptAesGcm() and encryptAesGcm() come from the source that we reviewed", async () => {
  const source = await Deno.readFile(new URL(import.meta.resolve("deno-std/crypto/aes_gcm.js")));
  const digest = encodeHex(await crypto.subtle.digest("SHA-256", source));
  assertEquals(digest, "2b67ed14a4290144b93812f87b64ca508d9c5d5cfeab4037eeaa7cf21d207eb1");
});

Deno.test("seal() writes IV, ciphertext and tag, and open() reads them", async () => {
  const json = '{"api_key":"AKIAIOSFODNN7EXAMPLE","note":"ünï \\ud800"}';
  const { sealed, keyId } = await seal(ring, ROW, json);
  assertEquals(keyId, ring.currentId);
  assertEquals(decodeBase64(sealed).byteLength, 12 + new TextEncoder().encode(json).byteLength + 16);
  assertEquals(await open(ring, ROW, sealed, keyId), json);
});

Deno.test("open() refuses bytes that were moved to another row", async () => {
  const { sealed, keyId } = await seal(ring, ROW, '{"a":1}');
  for (const moved of [{ tenantId: "u" }, { service: "stripe" }, { credentialType: "oauth_token" }]) {
    const label = JSON.stringify(moved);
    const error = await assertRejects(() => open(ring, { ...ROW, ...moved }, sealed, keyId), ApiError, "", label);
    assertEquals(error.code, "credential_unreadable", label);
  }
});

Deno.test("open() refuses altered, truncated and empty bytes", async () => {
  const { sealed, keyId } = await seal(ring, ROW, '{"a":1}');
  const bytes = decodeBase64(sealed);
  const altered = bytes.slice();
  altered[20] = (altered[20] ?? 0) ^ 1;
  for (const bad of [altered, bytes.subarray(0, -1), bytes.subarray(1), new Uint8Array()]) {
    const label = `${bad.length} bytes`;
    const error = await assertRejects(() => open(ring, ROW, encodeBase64(bad), keyId), ApiError, "", label);
    assertEquals(error.code, "credential_unreadable", label);
  }
});

Deno.test("open() names a key that is not configured only in the log", async () => {
  const error = await assertRejects(() => open(ring, ROW, "AAAA", "3fa9000000000000"), ApiError);
  assertEquals(error.code, "unavailable");
  assertEquals(String(error.cause).includes("3fa9000000000000"), true);
  assertEquals(error.message.includes("3fa9"), false);
});
