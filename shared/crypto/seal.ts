/**
 * Sealing of credentials with AES-256-GCM (NIST SP 800-38D):
 *
 *     IV (12 bytes, random) ‖ ciphertext (as long as the plaintext) ‖ tag (16 bytes)
 *
 * The plaintext is the credentials object as UTF-8 JSON. The additional data is the UTF-8 of
 * `["tenant_credentials", tenant_id, service, credential_type, encryption_key_id]` as JSON, so that sealed bytes moved to
 * another row do not open. With random IVs a key must not seal more than 2^32 times (SP 800-38D, section 8.3).
 */

import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { ApiError, missingEncryptionKey } from "../api_error.ts";
import type { Keyring } from "./keyring.ts";

/** The row that sealed bytes belong to. */
export interface SealedRow {
  tenantId: string;
  service: string;
  credentialType: string;
}

/** Seals JSON text under the current key. Returns base64 and the key's id. */
export async function seal(keyring: Keyring, row: SealedRow, json: string): Promise<{ sealed: string; keyId: string }> {
  const keyId = keyring.currentId;
  const sealed = await encryptAesGcm(keyring.current, new TextEncoder().encode(json), {
    additionalData: additionalData(row, keyId),
  });
  return { sealed: encodeBase64(sealed), keyId };
}

/**
 * Opens what {@linkcode seal} made for the same row, and returns the JSON text.
 *
 * @throws {ApiError} `unavailable` when the key of that id is not configured; `credential_unreadable` when it is, and
 * the bytes do not open: they were altered, or are another row's.
 */
export async function open(keyring: Keyring, row: SealedRow, sealed: string, keyId: string): Promise<string> {
  const key = keyring.find(keyId);
  if (key === undefined) throw missingEncryptionKey(keyId);
  try {
    const bytes = await decryptAesGcm(key, decodeBase64(sealed), { additionalData: additionalData(row, keyId) });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ApiError(
      "credential_unreadable",
      "the stored credential cannot be opened: its bytes were altered; store it again, and tell an operator",
      { cause: `sealed bytes do not open under the key ${keyId}: altered, or of another row` },
    );
  }
}

/** Injective: JSON quotes what the parts hold, so no two lists of parts are written alike. */
export function additionalData(row: SealedRow, keyId: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    JSON.stringify(["tenant_credentials", row.tenantId, row.service, row.credentialType, keyId]),
  );
}
