/** `credential list|verify`. */

import type { Command } from "commander";
import { addGroup, example, readContext } from "../../command.ts";
import { addCredentialVerify } from "./credential_verify.ts";
import { findTenant } from "../../client/find.ts";
import { print, table, time } from "../../../cli/output.ts";
import { listCredentials } from "../../client/vault.ts";

export function addCredentialCommands(program: Command): void {
  const group = addGroup(program, "credential", "agents' stored credentials");
  group.command("list").description("list a tenant's credentials, without their values")
    .argument("<tenant>", "its id, its name or organization/name")
    .addHelpText("after", example("credential list acme-shop"))
    .action((tenant: string, _options: unknown, command: Command) => list(tenant, command));
  addCredentialVerify(group);
}

async function list(reference: string, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const tenant = await findTenant(target.hub, reference);
  const credentials = await listCredentials(target.vault(), tenant.id);
  const rows = credentials.map((credential) => [
    credential.id,
    credential.service,
    credential.credential_type,
    credential.encryption_key_id,
    time(credential.created_at),
    time(credential.updated_at),
    time(credential.last_used_at),
  ]);
  const headings = ["ID", "SERVICE", "TYPE", "ENCRYPTION KEY", "CREATED", "UPDATED", "LAST USED"];
  print(json, { credentials }, table(headings, rows, "The tenant has no credentials."));
}
