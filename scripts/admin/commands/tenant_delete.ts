/**
 * `tenant delete`: offboards a tenant from both projects. Its keys are revoked first, so that no agent writes meanwhile;
 * then the vault is closed to it, so that no call that is under way stores after the purge; then its credentials go, then
 * its servers, its keys and itself. May be repeated after a failure at any point.
 */

import type { Command } from "commander";
import { CliError } from "../../cli/error.ts";
import type { ProjectAccess } from "../client/call.ts";
import { example, readContext } from "../command.ts";
import { confirm } from "../../cli/confirm.ts";
import { findTenantOrNone, isUuid, pathOf } from "../client/find.ts";
import { countTenant, deleteTenant, revokeTenantApiKeys, type TenantCounts } from "../client/hub.ts";
import { count, note, print } from "../../cli/output.ts";
import { closeTenant, countCredentials, purgeCredentials } from "../client/vault.ts";

/** A tenant, or what a deletion that was cut off has left of it in the vault. */
interface Doomed {
  id: string;
  /** Null when the hub no longer has it. */
  name: string | null;
  path: string;
}

interface Counts extends TenantCounts {
  credentials: number;
}

export function addTenantDelete(group: Command): void {
  group.command("delete").description("delete a tenant for good: credentials, servers, keys, in both projects")
    .argument("<tenant>", "its id, its name or organization/name")
    .option("--yes", "do not ask for the tenant's name")
    .addHelpText("after", example("tenant delete acme/acme-lab"))
    .action((tenant: string, options: { yes?: boolean }, command: Command) =>
      remove(tenant, options.yes ?? false, command)
    );
}

async function remove(reference: string, yes: boolean, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const [hub, vault] = [target.hub, target.vault()];
  const tenant = await find(hub, vault, reference);
  const before = await countAll(hub, vault, tenant);
  note(json, [
    `Tenant ${tenant.path} (${tenant.id})`,
    `  at ${hub.url}: ${hubPart(before)}`,
    `  at ${vault.url}: ${count(before.credentials, "credential")}`,
  ]);
  if (!yes) {
    const name = tenant.name ?? tenant.id;
    await confirm(`This cannot be undone. Type ${name} to delete it:`, name);
  }
  const deleted = await removeAll(hub, vault, tenant.id).catch((error) => {
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError(
      `${message}; not everything is deleted: repeat with deno task admin tenant delete ${tenant.id}`,
    );
  });
  const text = `Deleted: ${count(deleted.credentials, "credential")}, ${hubPart(deleted)}, and the tenant.`;
  print(json, { tenant: { id: tenant.id, name: tenant.name }, deleted }, text);
}

async function find(hub: ProjectAccess, vault: ProjectAccess, reference: string): Promise<Doomed> {
  const tenant = await findTenantOrNone(hub, reference);
  if (tenant !== undefined) return { id: tenant.id, name: tenant.name, path: pathOf(tenant) };
  const id = reference.toLowerCase();
  if (isUuid(id) && await countCredentials(vault, id) > 0) {
    return { id, name: null, path: "that the hub no longer has" };
  }
  throw new CliError(`there is no tenant ${JSON.stringify(reference)}; deno task admin tenant list shows them`);
}

async function countAll(hub: ProjectAccess, vault: ProjectAccess, { id }: Doomed): Promise<Counts> {
  const [ofHub, credentials] = await Promise.all([countTenant(hub, id), countCredentials(vault, id)]);
  return { credentials, ...ofHub };
}

async function removeAll(hub: ProjectAccess, vault: ProjectAccess, id: string): Promise<Counts> {
  await revokeTenantApiKeys(hub, id);
  await closeTenant(vault, id);
  const credentials = await purgeCredentials(vault, id);
  return { credentials, ...await deleteTenant(hub, id) };
}

function hubPart({ servers, api_keys }: TenantCounts): string {
  return `${count(servers, "server")}, ${count(api_keys, "API key")}`;
}
