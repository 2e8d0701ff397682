/**
 * Sealing of credentials with AES-256-GCM (NIST SP 800-38D):
 *
 *     IV (12 bytes, random) ‖ ciphertext (as long as the plaintext) ‖ tag (16 bytes)
 *
 * The plaintext is the credentials object as UTF-8 JSON. The additional data is the UTF-8 of
 * `["tenant_credentials", tenant_id, service, credential_type, encryption_key_id]` as JSON, so that sealed bytes cannot be
 * opened in another row. With random IVs, a key must not seal more than 2^32 times (SP 800-38D, section 8.3).
 */

import { decryptAesGcm, encryptAesGcm } from "@std/crypto/aes-gcm";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { credentialUnreadable, missingEncryptionKey } from "../api_error.ts";
import type { Keyring } from "./keyring.ts";

/** The row that the sealed bytes belong to. */
export interface SealedRow {
  tenantId: string;
  service: string;
  credentialType: string;
}

/** Encrypts JSON text with the current key. Returns base64 and the key's id. */
export async function seal(keyring: Keyring, row: SealedRow, json: string): Promise<{ sealed: string; keyId: string }> {
  const keyId = keyring.currentId;
  const sealed = await encryptAesGcm(keyring.current, new TextEncoder().encode(json), {
    additionalData: additionalData(row, keyId),
  });
  return { sealed: encodeBase64(sealed), keyId };
}

/**
 * Decrypts the result of {@linkcode seal} for the same row. Returns the JSON text.
 *
 * @throws {ApiError} `unavailable` if no key with that id is configured; `credential_unreadable` if the bytes were altered
 * or belong to another row.
 */
export async function open(keyring: Keyring, row: SealedRow, sealed: string, keyId: string): Promise<string> {
  const key = keyring.find(keyId);
  if (key === undefined) throw missingEncryptionKey(keyId);
  try {
    const bytes = await decryptAesGcm(key, decodeBase64(sealed), { additionalData: additionalData(row, keyId) });
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw credentialUnreadable(keyId);
  }
}

/** Injective: JSON quotes each part, so two different rows never have the same additional data. */
export function additionalData(row: SealedRow, keyId: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    JSON.stringify(["tenant_credentials", row.tenantId, row.service, row.credentialType, keyId]),
  );
}
