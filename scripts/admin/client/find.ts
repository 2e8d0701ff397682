/** Finds the organization or tenant that a command line names, by id or by name. */

import { CliError } from "../../cli/error.ts";
import type { ProjectAccess } from "./connection/call.ts";
import { listOrganizations, listTenants, type Organization, type TenantRow } from "./hub.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The id in lower case. The message does not repeat the text: it may be a key, pasted by mistake. */
export function readId(text: string, listCommand: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new CliError(`the id must be a UUID; deno task admin ${listCommand} shows the ids`);
}

export async function findOrganization(hub: ProjectAccess, reference: string): Promise<Organization> {
  const found = await listOrganizations(hub, reference);
  const organization = found.find(({ id }) => id === reference.toLowerCase()) ?? found[0];
  if (organization !== undefined) return organization;
  throw new CliError(`there is no organization ${quote(reference)}; deno task admin organization list shows them`);
}

/** @throws {CliError} when there is no such tenant, or when several have the name. */
export async function findTenant(hub: ProjectAccess, reference: string): Promise<TenantRow> {
  const tenant = await findTenantOrNone(hub, reference);
  if (tenant !== undefined) return tenant;
  throw noTenant(reference);
}

export async function findTenantOrNone(hub: ProjectAccess, reference: string): Promise<TenantRow | undefined> {
  const found = await listTenants(hub, { reference });
  const byId = found.find(({ id }) => id === reference.toLowerCase());
  if (byId !== undefined || found.length < 2) return byId ?? found[0];
  const paths = found.slice(0, 5).map(pathOf).join(", ");
  throw new CliError(
    `${found.length} tenants are named ${quote(reference)}: use organization/tenant or the id (${paths}${
      found.length > 5 ? ", …" : ""
    })`,
  );
}

/** A tenant's id. Accepts a UUID that the hub does not know, because events outlive their tenant. */
export async function findTenantId(hub: ProjectAccess, reference: string): Promise<string> {
  const tenant = await findTenantOrNone(hub, reference);
  if (tenant !== undefined) return tenant.id;
  if (isUuid(reference)) return reference.toLowerCase();
  throw noTenant(reference);
}

/** A tenant's unique name. */
export function pathOf(tenant: { name: string; organization_name: string }): string {
  return `${tenant.organization_name}/${tenant.name}`;
}

/** The unique name of the tenant that owns the row. */
export function tenantPath(row: { tenant_name: string; organization_name: string }): string {
  return `${row.organization_name}/${row.tenant_name}`;
}

function noTenant(reference: string): CliError {
  return new CliError(`there is no tenant ${quote(reference)}; deno task admin tenant list shows them`);
}

/** Quotes as JSON does, so that no control character reaches the terminal. */
function quote(text: string): string {
  return JSON.stringify(text);
}
