/** The hub's operators' functions for lists, quotas and deletion. */

import * as z from "zod/mini";
import { CliError } from "../../cli/error.ts";
import { callHub, type ProjectAccess } from "./connection/call.ts";
import { readPages } from "./pages.ts";

const organization = z.object({ id: z.string(), name: z.string(), created_at: z.string() });
const tenant = z.object({
  id: z.string(),
  name: z.string(),
  organization_id: z.string(),
  organization_name: z.string(),
  created_at: z.string(),
  servers: z.number(),
  max_servers: z.number(),
});
const serverQuota = z.object({ servers: z.number(), max_servers: z.number() });
const key = {
  id: z.string(),
  name: z.string(),
  display_prefix: z.string(),
  scopes: z.array(z.string()),
  /** Null means all. */
  services: z.nullable(z.array(z.string())),
  created_at: z.string(),
  expires_at: z.nullable(z.string()),
  revoked_at: z.nullable(z.string()),
  last_used_at: z.nullable(z.string()),
};
const apiKey = z.object({
  ...key,
  tenant_id: z.string(),
  tenant_name: z.string(),
  organization_name: z.string(),
});
const kernel = z.object({ ...key, organization_id: z.string(), organization_name: z.string() });
const server = z.object({
  id: z.string(),
  tenant_id: z.string(),
  tenant_name: z.string(),
  organization_name: z.string(),
  server_id: z.string(),
  name: z.string(),
  command: z.string(),
  tool_prefix: z.string(),
  enabled: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
});
const tenantCounts = z.object({ servers: z.number(), api_keys: z.number() });

export type Organization = z.output<typeof organization>;
export type TenantRow = z.output<typeof tenant>;
export type ApiKey = z.output<typeof apiKey>;
export type Kernel = z.output<typeof kernel>;
export type Server = z.output<typeof server>;
export type TenantCounts = z.output<typeof tenantCounts>;

/** @param reference an id or a name; all when absent */
export function listOrganizations(hub: ProjectAccess, reference?: string): Promise<Organization[]> {
  return readPages(
    (after) => callHub(hub, "list_organizations", { filter: { reference, after } }, z.array(organization)),
    ({ id }) => id,
  );
}

/** The reference is an id, a name or organization/name. All when both are absent. */
export function listTenants(
  hub: ProjectAccess,
  filter: { organization_id?: string | undefined; reference?: string },
): Promise<TenantRow[]> {
  return readPages(
    (after) => callHub(hub, "list_tenants", { filter: { ...filter, after } }, z.array(tenant)),
    ({ id }) => id,
  );
}

export function listApiKeys(hub: ProjectAccess, tenantId?: string): Promise<ApiKey[]> {
  return readPages(
    (after) => callHub(hub, "list_api_keys", { filter: { tenant_id: tenantId, after } }, z.array(apiKey)),
    ({ id }) => id,
  );
}

export function listKernels(hub: ProjectAccess, organizationId?: string): Promise<Kernel[]> {
  return readPages(
    (after) => callHub(hub, "list_kernels", { filter: { organization_id: organizationId, after } }, z.array(kernel)),
    ({ id }) => id,
  );
}

export function listServers(hub: ProjectAccess, tenantId?: string): Promise<Server[]> {
  return readPages(
    (after) => callHub(hub, "list_tenant_servers", { filter: { tenant_id: tenantId, after } }, z.array(server)),
    ({ tenant_id, server_id }) => ({ tenant_id, server_id }),
  );
}

/** Sets how many servers the tenant may have. Returns the quota and how many servers it has. */
export async function setServerQuota(hub: ProjectAccess, tenantId: string, maxServers: number) {
  const parameters = { tenant_id: tenantId, max_servers: maxServers };
  const set = await callHub(hub, "set_server_quota", parameters, z.nullable(serverQuota));
  if (set === null) throw new CliError("the tenant was deleted during the command");
  return set;
}

export function countTenant(hub: ProjectAccess, tenantId: string): Promise<TenantCounts> {
  return callHub(hub, "count_tenant", { tenant_id: tenantId }, tenantCounts);
}

export async function revokeTenantApiKeys(hub: ProjectAccess, tenantId: string): Promise<void> {
  await callHub(hub, "revoke_tenant_api_keys", { tenant_id: tenantId }, z.object({ revoked: z.number() }));
}

/** Deletes a tenant's keys and servers, in batches, and then the tenant. Returns how many it deleted. */
export async function deleteTenant(hub: ProjectAccess, tenantId: string): Promise<TenantCounts> {
  const batch = z.object({ servers: z.number(), api_keys: z.number(), done: z.boolean() });
  const deleted = { servers: 0, api_keys: 0 };
  while (true) {
    const { servers, api_keys, done } = await callHub(hub, "delete_tenant", { tenant_id: tenantId }, batch);
    deleted.servers += servers;
    deleted.api_keys += api_keys;
    if (done) return deleted;
  }
}
