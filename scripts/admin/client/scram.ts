/** A SCRAM-SHA-256 verifier (RFC 5803) as PostgreSQL stores it, so that no password is in a statement or in a log. */

import { encodeBase64 } from "@std/encoding/base64";

/** What PostgreSQL itself uses. The password has 256 random bits, so more would add nothing. */
const ITERATIONS = 4096;

const encoder = new TextEncoder();

/** `SCRAM-SHA-256$iterations:salt$stored key:server key`, binary parts in base64. The password must be ASCII. */
export async function scramVerifier(
  password: string,
  salt: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(16)),
): Promise<string> {
  const secret = await crypto.subtle.importKey("raw", encoder.encode(password), "PBKDF2", false, ["deriveBits"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS };
  const salted = await crypto.subtle.deriveBits(parameters, secret, 256);
  const storedKey = await crypto.subtle.digest("SHA-256", await hmac(salted, "Client Key"));
  const serverKey = await hmac(salted, "Server Key");
  return `SCRAM-SHA-256$${ITERATIONS}:${encodeBase64(salt)}$${encodeBase64(storedKey)}:${encodeBase64(serverKey)}`;
}

async function hmac(key: ArrayBuffer, text: string): Promise<ArrayBuffer> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return await crypto.subtle.sign("HMAC", imported, encoder.encode(text));
}
