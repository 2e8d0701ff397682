/** What an operator does to a hub, through its operators' SQL functions. Needs the hub's secret key. */

import { PostgrestClient } from "@supabase/postgrest-js";
import { keyHeaders } from "shared/database.ts";
import {
  apiKeyDigest,
  displayPrefix,
  generateKey,
  importKernelSecret,
  KERNEL_SECRET_FORM,
  kernelKeyDigest,
  parseKernelSecret,
} from "shared/key.ts";
import { StackError } from "./stack/child.ts";

export interface HubAccess {
  url: string;
  secret_key: string;
}

export interface KeyOptions {
  name: string;
  /** All scopes when absent; none when empty. */
  scopes?: string[];
  /** RFC 3339. Never when absent. */
  expires_at?: string;
}

export interface IssuedKey {
  id: string;
  /** The key itself. It is nowhere else. */
  key: string;
}

export function createOrganization(hub: HubAccess, name: string): Promise<{ id: string }> {
  return call(hub, "create_organization", { name });
}

export function createTenant(hub: HubAccess, organizationId: string, name: string): Promise<{ id: string }> {
  return call(hub, "create_tenant", { organization_id: organizationId, name });
}

export async function issueApiKey(hub: HubAccess, tenantId: string, options: KeyOptions): Promise<IssuedKey> {
  const key = generateKey("agent");
  const entry = { ...options, display_prefix: displayPrefix(key), key_sha256: await apiKeyDigest(key) };
  const { id } = await call(hub, "issue_api_key", { tenant_id: tenantId, key: entry });
  return { id, key };
}

/** @param kernelHmacSecret the hub's KERNEL_HMAC_SECRET, in hex */
export async function issueKernel(
  hub: HubAccess,
  kernelHmacSecret: string,
  organizationId: string,
  options: KeyOptions,
): Promise<IssuedKey> {
  const key = generateKey("kernel");
  const bytes = parseKernelSecret(kernelHmacSecret);
  if (bytes === undefined) throw new StackError(`KERNEL_HMAC_SECRET must be ${KERNEL_SECRET_FORM}`);
  const secret = await importKernelSecret(bytes);
  const entry = { ...options, display_prefix: displayPrefix(key), key_hmac: await kernelKeyDigest(secret, key) };
  const { id } = await call(hub, "issue_kernel", { organization_id: organizationId, key: entry });
  return { id, key };
}

export async function revokeApiKey(hub: HubAccess, id: string): Promise<void> {
  await call(hub, "revoke_api_key", { id });
}

export async function revokeKernel(hub: HubAccess, id: string): Promise<void> {
  await call(hub, "revoke_kernel", { id });
}

async function call(hub: HubAccess, name: string, parameters: Record<string, unknown>): Promise<{ id: string }> {
  const client = new PostgrestClient(`${hub.url}/rest/v1`, { headers: keyHeaders(hub.secret_key) });
  const { data, error } = await client.rpc(name, parameters);
  if (error) throw new StackError(`${name}: ${error.code} ${error.message}`);
  if (data === null) throw new StackError(`${name}: there is none of that id`);
  return data;
}
