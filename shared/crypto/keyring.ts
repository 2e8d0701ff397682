/** The encryption keys of the vault: the current one seals and opens, previous ones only open. */

import { decodeBase64 } from "@std/encoding/base64";
import { decodeHex, encodeHex } from "@std/encoding/hex";

export interface Keyring {
  /** The first 16 hex characters of the SHA-256 of the key's bytes. Each row stores the id of the key that sealed it. */
  readonly currentId: string;
  readonly current: CryptoKey;
  /** The ids of all its keys. */
  readonly ids: readonly string[];
  /** The key with that id, or undefined. Keys are looked up by id, never tried in turn. */
  find(id: string): CryptoKey | undefined;
}

/** The 32 bytes of a key written as 64 hex characters or as base64, or undefined for anything else. */
export function parseEncryptionKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (/^[0-9A-Fa-f]{64}$/.test(text)) return decodeHex(text);
  // The 43rd character holds only 4 bits. Any other character would be a second spelling of the same key.
  if (/^[0-9A-Za-z+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return decodeBase64(text);
  return undefined;
}

/** Imports keys of 32 bytes each, non-extractable. */
export async function importKeyring(
  current: Uint8Array<ArrayBuffer>,
  previous: readonly Uint8Array<ArrayBuffer>[],
): Promise<Keyring> {
  const keys = new Map<string, CryptoKey>();
  for (const bytes of previous) keys.set(await encryptionKeyId(bytes), await importKey(bytes, ["decrypt"]));
  const currentId = await encryptionKeyId(current);
  const currentKey = await importKey(current, ["encrypt", "decrypt"]);
  keys.set(currentId, currentKey);
  return { currentId, current: currentKey, ids: [...keys.keys()], find: (id) => keys.get(id) };
}

export async function encryptionKeyId(key: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeHex(await crypto.subtle.digest("SHA-256", key)).slice(0, 16);
}

function importKey(bytes: Uint8Array<ArrayBuffer>, usages: KeyUsage[]): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, usages);
}
