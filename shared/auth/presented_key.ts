/** Identifies the caller in three steps: the key in the request, its digest, and the caller that the hub finds by it. */

import { ambiguousCredentials, invalidField, unauthenticated, unavailable } from "../api_error.ts";
import { apiKeyDigest, hasPrefix, isKey, kernelKeyDigest, type KeyKind } from "./api_key.ts";

/** A well-formed key. */
interface Key {
  kind: KeyKind;
  key: string;
}

/** A key, with the tenant and the id of its request. It has not been looked up yet. */
export interface PresentedKey extends Key {
  /** The tenant that the request names. */
  tenantId: string | undefined;
  requestId: string;
}

/** What SQL receives instead of the key. */
export type CallerDigest =
  & ({ api_key_sha256: string } | { kernel_key_hmac: string })
  & { tenant_id?: string; request_id: string };

/**
 * The key in `X-API-Key` (agents) or `Authorization: Bearer krn_…` (kernels).
 *
 * Supabase clients send their own bearer token with `X-API-Key`. It is ignored unless it is a kernel key.
 *
 * @throws {ApiError} `ambiguous_credentials` if both kinds are sent, `unauthenticated` if the key is missing or malformed.
 */
export function readKey(headers: Headers): Key {
  const apiKey = headers.get("x-api-key");
  // Captures the rest of the header, so that a kernel key followed by other text is malformed, not ignored.
  const bearer = /^Bearer +(.*)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const kernelKey = bearer !== undefined && hasPrefix("kernel", bearer) ? bearer : undefined;
  if (apiKey !== null && kernelKey !== undefined) {
    throw ambiguousCredentials();
  }
  if (apiKey !== null && isKey("agent", apiKey)) return { kind: "agent", key: apiKey };
  if (kernelKey !== undefined && isKey("kernel", kernelKey)) return { kind: "kernel", key: kernelKey };
  throw unauthenticated();
}

/** The header that carries the key, to send it on. */
export function keyHeader({ kind, key }: Key): Record<string, string> {
  return kind === "agent" ? { "x-api-key": key } : { authorization: `Bearer ${key}` };
}

/** @throws {ApiError} `invalid_request` if a kernel does not name a tenant. */
export function requireTenant({ kind }: Key, tenantId: string | undefined): void {
  if (kind === "kernel" && tenantId === undefined) throw invalidField("tenant_id", "is required with a kernel's key");
}

/**
 * The digest of a presented key, with the request's tenant and id.
 *
 * @throws {ApiError} `unavailable` for a kernel if `KERNEL_HMAC_SECRET` is not set.
 */
export async function digestCaller(
  { kind, key, tenantId, requestId }: PresentedKey,
  kernelSecret: CryptoKey | undefined,
): Promise<CallerDigest> {
  const request = { request_id: requestId, ...(tenantId !== undefined && { tenant_id: tenantId }) };
  if (kind === "agent") return { api_key_sha256: apiKeyDigest(key), ...request };
  if (kernelSecret === undefined) {
    throw unavailable("KERNEL_HMAC_SECRET is not set, so kernels cannot be authenticated: set it to 64 hex characters");
  }
  return { kernel_key_hmac: await kernelKeyDigest(kernelSecret, key), ...request };
}
