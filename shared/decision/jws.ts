/** Signs as a compact JWS (RFC 7515, section 7.1) with EdDSA (RFC 8037). jose, which verifies them, signs in other threads only. */

import { encodeBase64Url } from "@std/encoding/base64url";
import type { SigningKey } from "./decision_keys.ts";

export const ALGORITHM = "EdDSA";

const HEADER = encodeBase64Url(JSON.stringify({ alg: ALGORITHM }));

export function signJws(payload: string, key: SigningKey): string {
  const signed = `${HEADER}.${encodeBase64Url(payload)}`;
  return `${signed}.${encodeBase64Url(key.sign(signed))}`;
}
