import { createHash } from "node:crypto";

/**
 * SHA-256 in hex, at once. WebCrypto hands even a few bytes to another thread, which takes ten times as long as the digest
 * of a key, and longer than that of most bodies. Text is hashed as UTF-8.
 */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
