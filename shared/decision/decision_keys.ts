/**
 * The keys of decisions, as variables hold them: base64url of 32 bytes, without padding. `DECISION_SIGNING_KEY` is the
 * private key (the seed of RFC 8032), `DECISION_VERIFY_KEYS` are public keys, comma-separated.
 */

import { encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { createPrivateKey, sign } from "node:crypto";

const KEY_FORM = /^[A-Za-z0-9_-]{43}$/;

/** What `DECISION_VERIFY_KEYS` must be. */
export const VERIFY_KEYS_FORM = "public keys in base64url, comma-separated";

/** Whether a text has the form of a key, private or public. */
export function isDecisionKey(text: string): boolean {
  return KEY_FORM.test(text);
}

/** The DER of a PKCS #8 Ed25519 key up to its seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

const encoder = new TextEncoder();

/** A new pair, each in the form of its variable. */
export async function makeDecisionKeys(): Promise<{ signingKey: string; verifyKey: string }> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("Ed25519 keys come in pairs");
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { signingKey: encodeBase64Url(pkcs8.subarray(PKCS8_PREFIX.length)), verifyKey: encodeBase64Url(raw) };
}

/** The public key of a private one, both in their variables' form, or undefined if the text does not have it. */
export async function verifyKeyOf(signingKey: string): Promise<string | undefined> {
  if (!KEY_FORM.test(signingKey)) return undefined;
  const pkcs8 = new Uint8Array([...PKCS8_PREFIX, ...decodeBase64Url(signingKey)]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  return (await crypto.subtle.exportKey("jwk", key)).x;
}

/** A private key that signs, and from which its bytes cannot be read. */
export interface SigningKey {
  /** The signature of a text in UTF-8. */
  sign(text: string): Uint8Array;
}

/** The private key, or undefined if the text does not have its form. */
export function importSigningKey(text: string): SigningKey | undefined {
  if (!KEY_FORM.test(text)) return undefined;
  const pkcs8 = encodeBase64(new Uint8Array([...PKCS8_PREFIX, ...decodeBase64Url(text)]));
  const key = createPrivateKey(`-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----`);
  // WebCrypto would hand each signature to another thread, which takes longer than the signature.
  return { sign: (text) => sign(null, encoder.encode(text), key) };
}

/** Whether the text is a comma-separated list of keys in the right form. */
export function areVerifyKeys(text: string): boolean {
  return splitKeys(text).every((key) => KEY_FORM.test(key));
}

/** The public keys, or undefined if one of them is malformed or if there are none. */
export async function importVerifyKeys(text: string): Promise<CryptoKey[] | undefined> {
  if (!areVerifyKeys(text)) return undefined;
  return await Promise.all(
    splitKeys(text).map((key) =>
      crypto.subtle.importKey("raw", new Uint8Array(decodeBase64Url(key)), "Ed25519", false, ["verify"])
    ),
  );
}

function splitKeys(text: string): string[] {
  return text.split(",").map((key) => key.trim());
}
