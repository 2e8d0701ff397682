/** The vault's operators' functions for lists, quotas and deletion. They return no value of a credential. */

import * as z from "zod/mini";
import { callVault, type ProjectAccess } from "./connection/call.ts";
import { readPages } from "./pages.ts";

const credential = z.object({
  id: z.string(),
  service: z.string(),
  credential_type: z.string(),
  encryption_key_id: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  last_used_at: z.nullable(z.string()),
});

export type Credential = z.output<typeof credential>;

export function listCredentials(vault: ProjectAccess, tenantId: string): Promise<Credential[]> {
  return readPages(
    (after) =>
      callVault(vault, "list_tenant_credentials", { filter: { tenant_id: tenantId, after } }, z.array(credential)),
    ({ service, credential_type }) => ({ service, credential_type }),
  );
}

export async function countCredentials(vault: ProjectAccess, tenantId: string): Promise<number> {
  const answer = z.object({ credentials: z.number() });
  return (await callVault(vault, "count_tenant_credentials", { tenant_id: tenantId }, answer)).credentials;
}

/** Sets how many credentials the tenant may have. Returns the quota and how many credentials it has. */
export function setCredentialQuota(vault: ProjectAccess, tenantId: string, maxCredentials: number) {
  const parameters = { tenant_id: tenantId, max_credentials: maxCredentials };
  const quota = z.object({ credentials: z.number(), max_credentials: z.number() });
  return callVault(vault, "set_credential_quota", parameters, quota);
}

/** The vault refuses new credentials of the tenant from now on. This cannot be undone. */
export async function closeTenant(vault: ProjectAccess, tenantId: string): Promise<void> {
  await callVault(vault, "close_tenant", { tenant_id: tenantId }, z.object({ closed: z.literal(true) }));
}

/** Deletes a tenant's credentials permanently, in batches. Returns how many it deleted. */
export async function purgeCredentials(vault: ProjectAccess, tenantId: string): Promise<number> {
  const batch = z.object({ credentials: z.number(), done: z.boolean() });
  let deleted = 0;
  while (true) {
    const { credentials, done } = await callVault(vault, "purge_tenant_credentials", { tenant_id: tenantId }, batch);
    deleted += credentials;
    if (done) return deleted;
  }
}
