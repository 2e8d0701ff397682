/**
 * Keys of agents and kernels:
 *
 *     mcp_ or krn_ (4) ‖ 43 random base62 characters (256.03 bits) ‖ checksum (6)
 *
 * The checksum is the CRC-32 of the 43 characters, in base62. With it, a mistyped key is refused without a database call,
 * and a secret scanner can tell a key from random text.
 */

import { decodeHex, encodeHex } from "@std/encoding/hex";
import { sha256 } from "../crypto/sha256.ts";

export type KeyKind = "agent" | "kernel";

const PREFIX = { agent: "mcp_", kernel: "krn_" } as const;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARACTERS = 43;
const CHECKSUM_CHARACTERS = 6;
const FORM = { agent: /^mcp_[0-9A-Za-z]{49}$/, kernel: /^krn_[0-9A-Za-z]{49}$/ } as const;

/** Generates a key from the system's random source. */
export function generateKey(kind: KeyKind): string {
  let random = "";
  while (random.length < RANDOM_CHARACTERS) {
    const [byte = 255] = crypto.getRandomValues(new Uint8Array(1));
    // 248 is the largest multiple of 62 in a byte. Larger values would favour the first characters.
    if (byte < 248) random += ALPHABET.charAt(byte % 62);
  }
  return PREFIX[kind] + random + checksum(random);
}

/** Whether the text has the form of a key of this kind, with the right checksum. */
export function isKey(kind: KeyKind, text: string): boolean {
  return FORM[kind].test(text) && checksum(text.slice(4, -CHECKSUM_CHARACTERS)) === text.slice(-CHECKSUM_CHARACTERS);
}

/** Whether the text starts with the prefix of this kind of key, well formed or not. */
export function hasPrefix(kind: KeyKind, text: string): boolean {
  return text.startsWith(PREFIX[kind]);
}

/** The first 8 characters, which help a person to recognise a key in a list. */
export function displayPrefix(key: string): string {
  return key.slice(0, 8);
}

/** SHA-256 of the whole key, in hex. The hub stores this digest instead of an agent's key. */
export function apiKeyDigest(key: string): string {
  return sha256(key);
}

/** HMAC-SHA-256 of the whole key, in hex. The hub stores this digest instead of a kernel's key. WebCrypto hides the secret. */
export async function kernelKeyDigest(secret: CryptoKey, key: string): Promise<string> {
  return encodeHex(await crypto.subtle.sign("HMAC", secret, new TextEncoder().encode(key)));
}

export const KERNEL_SECRET_FORM = "at least 64 hex characters (openssl rand -hex 32)";

/** The bytes of a `KERNEL_HMAC_SECRET` (at least 32), or undefined if it is malformed. */
export function parseKernelSecret(text: string): Uint8Array<ArrayBuffer> | undefined {
  return /^(?:[0-9A-Fa-f]{2}){32,}$/.test(text) ? decodeHex(text) : undefined;
}

/** The HMAC key of `KERNEL_HMAC_SECRET`, non-extractable. */
export function importKernelSecret(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function checksum(random: string): string {
  let rest = crc32(new TextEncoder().encode(random));
  let text = "";
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++) {
    text = ALPHABET.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

/** CRC-32 as in ISO/IEC 3309, zlib and PNG. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
