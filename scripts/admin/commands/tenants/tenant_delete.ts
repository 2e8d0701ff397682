/**
 * `tenant delete`: deletes a tenant from both projects. It first revokes the tenant's keys, so that no agent writes
 * during the deletion. Then it closes the tenant in the vault, so that no call in flight stores after the purge. It
 * then deletes the credentials, the servers, the keys and the tenant. After a failure at any step, run it again.
 */

import type { Command } from "commander";
import { CliError } from "../../../cli/error.ts";
import type { ProjectAccess } from "../../client/connection/call.ts";
import { example, readContext } from "../../command.ts";
import { confirm } from "../../../cli/confirm.ts";
import { findTenantOrNone, isUuid, pathOf } from "../../client/find.ts";
import { countTenant, deleteTenant, revokeTenantApiKeys, type TenantCounts } from "../../client/hub.ts";
import { count, note, print } from "../../../cli/output.ts";
import { closeTenant, countCredentials, purgeCredentials } from "../../client/vault.ts";

/** A tenant, or the rest of one in the vault after an interrupted deletion. */
interface Doomed {
  id: string;
  /** Null when the hub no longer has the tenant. */
  name: string | null;
  path: string;
}

interface Counts extends TenantCounts {
  credentials: number;
}

export function addTenantDelete(group: Command): void {
  group.command("delete").description("permanently delete a tenant, its credentials, servers and keys in both projects")
    .argument("<tenant>", "its id, its name or organization/name")
    .option("--yes", "do not ask for confirmation")
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
      `${message}; not everything is deleted: run deno task admin tenant delete ${tenant.id} again`,
    );
  });
  const text = `Deleted the tenant, ${count(deleted.credentials, "credential")}, ${hubPart(deleted)}.`;
  print(json, { tenant: { id: tenant.id, name: tenant.name }, deleted }, text);
}

async function find(hub: ProjectAccess, vault: ProjectAccess, reference: string): Promise<Doomed> {
  const tenant = await findTenantOrNone(hub, reference);
  if (tenant !== undefined) return { id: tenant.id, name: tenant.name, path: pathOf(tenant) };
  const id = reference.toLowerCase();
  if (isUuid(id) && await countCredentials(vault, id) > 0) {
    return { id, name: null, path: "(deleted in the hub)" };
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
