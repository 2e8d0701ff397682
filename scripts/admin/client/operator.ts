/** Creates organizations and tenants, and issues and revokes keys, with the hub's operators' SQL functions. */

import * as z from "zod/mini";
import {
  apiKeyDigest,
  displayPrefix,
  generateKey,
  importKernelSecret,
  KERNEL_SECRET_FORM,
  kernelKeyDigest,
  parseKernelSecret,
} from "shared/auth/api_key.ts";
import { callHub, type ProjectAccess } from "./connection/call.ts";
import { CliError } from "../../cli/error.ts";

export type HubOperator = ProjectAccess;

/** All scopes of a key. The hub's private.all_scopes() is the same list. */
export const SCOPES = [
  "servers:read",
  "servers:write",
  "credentials:read",
  "credentials:write",
  "credentials:reveal",
  "credentials:use",
  "tools:call",
];

export interface KeyOptions {
  name: string;
  /** All scopes when absent; none when empty. */
  scopes?: string[];
  /** The services whose credentials it may touch. All when absent; none when empty. */
  services?: string[];
  /** RFC 3339. Never when absent. */
  expires_at?: string;
}

export interface IssuedKey {
  id: string;
  /** The key itself. The hub stores only its hash. */
  key: string;
}

const created = z.object({ id: z.string() });
const revoked = z.nullable(created);

export function createOrganization(hub: HubOperator, name: string): Promise<{ id: string }> {
  return callHub(hub, "create_organization", { name }, created);
}

export function createTenant(hub: HubOperator, organizationId: string, name: string): Promise<{ id: string }> {
  return callHub(hub, "create_tenant", { organization_id: organizationId, name }, created);
}

export async function issueApiKey(hub: HubOperator, tenantId: string, options: KeyOptions): Promise<IssuedKey> {
  const key = generateKey("agent");
  const entry = { ...options, display_prefix: displayPrefix(key), key_sha256: apiKeyDigest(key) };
  const { id } = await callHub(hub, "issue_api_key", { tenant_id: tenantId, key: entry }, created);
  return { id, key };
}

/** @param kernelHmacSecret the hub's KERNEL_HMAC_SECRET, in hex */
export async function issueKernel(
  hub: HubOperator,
  kernelHmacSecret: string,
  organizationId: string,
  options: KeyOptions,
): Promise<IssuedKey> {
  const key = generateKey("kernel");
  const bytes = parseKernelSecret(kernelHmacSecret);
  if (bytes === undefined) throw new CliError(`KERNEL_HMAC_SECRET must be ${KERNEL_SECRET_FORM}`);
  const secret = await importKernelSecret(bytes);
  const entry = { ...options, display_prefix: displayPrefix(key), key_hmac: await kernelKeyDigest(secret, key) };
  const { id } = await callHub(hub, "issue_kernel", { organization_id: organizationId, key: entry }, created);
  return { id, key };
}

/** Returns whether the key exists. */
export async function revokeApiKey(hub: HubOperator, id: string): Promise<boolean> {
  return await callHub(hub, "revoke_api_key", { id }, revoked) !== null;
}

/** Returns whether the key exists. */
export async function revokeKernel(hub: HubOperator, id: string): Promise<boolean> {
  return await callHub(hub, "revoke_kernel", { id }, revoked) !== null;
}
