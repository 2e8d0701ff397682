/** Who calls, in three steps: the key that a request presents, its digest, and the caller that the hub knows by it. */

import { ApiError, invalidField, unauthenticated, unavailable } from "../api_error.ts";
import { apiKeyDigest, hasPrefix, isKey, kernelKeyDigest, type KeyKind } from "./api_key.ts";

/** A well-formed key. */
interface Key {
  kind: KeyKind;
  key: string;
}

/** A key, and what the request that presents it says of itself. Nothing has looked it up yet. */
export interface PresentedKey extends Key {
  /** The tenant that the request names. */
  tenantId: string | undefined;
  requestId: string;
}

/** What SQL gets to see of a presented key. */
export type CallerDigest =
  & ({ api_key_sha256: string } | { kernel_key_hmac: string })
  & { tenant_id?: string; request_id: string };

/**
 * The key in `X-API-Key` (agents) or `Authorization: Bearer krn_…` (kernels).
 *
 * Supabase clients send a bearer token of their own beside `X-API-Key`; one that is no kernel key is ignored there.
 *
 * @throws {ApiError} `ambiguous_credentials` for a key of each kind, `unauthenticated` for none or a malformed one.
 */
export function readKey(headers: Headers): Key {
  const apiKey = headers.get("x-api-key");
  // All of the rest, so that a kernel's key with something beside it is malformed and not ignored.
  const bearer = /^Bearer +(.*)$/i.exec(headers.get("authorization") ?? "")?.[1];
  const kernelKey = bearer !== undefined && hasPrefix("kernel", bearer) ? bearer : undefined;
  if (apiKey !== null && kernelKey !== undefined) {
    throw new ApiError("ambiguous_credentials", "send X-API-Key or a kernel's Authorization: Bearer, not both");
  }
  if (apiKey !== null && isKey("agent", apiKey)) return { kind: "agent", key: apiKey };
  if (kernelKey !== undefined && isKey("kernel", kernelKey)) return { kind: "kernel", key: kernelKey };
  throw unauthenticated();
}

/** @throws {ApiError} `invalid_request` when a kernel names no tenant. */
export function requireTenant({ kind }: Key, tenantId: string | undefined): void {
  if (kind === "kernel" && tenantId === undefined) throw invalidField("tenant_id", "is required with a kernel's key");
}

/**
 * The digest of a presented key, with the request's tenant and id.
 *
 * @throws {ApiError} `unavailable` for a kernel when `KERNEL_HMAC_SECRET` is not set.
 */
export async function digestCaller(
  { kind, key, tenantId, requestId }: PresentedKey,
  kernelSecret: CryptoKey | undefined,
): Promise<CallerDigest> {
  const request = { request_id: requestId, ...(tenantId !== undefined && { tenant_id: tenantId }) };
  if (kind === "agent") return { api_key_sha256: await apiKeyDigest(key), ...request };
  if (kernelSecret === undefined) {
    throw unavailable("KERNEL_HMAC_SECRET is not set, so no kernel can be authenticated: set it to 64 hex characters");
  }
  return { kernel_key_hmac: await kernelKeyDigest(kernelSecret, key), ...request };
}
