/** `api-key issue|list|revoke`. */

import type { Command } from "commander";
import { issueApiKey, revokeApiKey } from "../../client/operator.ts";
import { CliError } from "../../../cli/error.ts";
import { withMessages } from "../../client/call.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { findTenant, pathOf, readId, tenantPath } from "../../client/find.ts";
import { listApiKeys } from "../../client/hub.ts";
import {
  addIssueOptions,
  type IssueOptions,
  KEY_HEADINGS,
  keyCells,
  printIssued,
  readKeyOptions,
} from "./key_options.ts";
import { NAME_RULE } from "../tenants/organization.ts";
import { print, table } from "../../../cli/output.ts";

export function addApiKeyCommands(program: Command): void {
  const group = addGroup(program, "api-key", "agents' keys: each key is for one tenant");
  addIssueOptions(group.command("issue").description("issue a key and show it once"))
    .argument("<tenant>", "its id, its name or organization/name")
    .addHelpText("after", example("api-key issue acme-shop --name shop-agent --expires 90d --scope servers:read"))
    .action((tenant: string, options: IssueOptions, command: Command) => issue(tenant, options, command));
  group.command("list").description("list keys, without the keys' secret values")
    .argument("[tenant]", "only for this tenant: its id, its name or organization/name")
    .addHelpText("after", example("api-key list acme-shop"))
    .action((tenant: string | undefined, _options: unknown, command: Command) => list(tenant, command));
  group.command("revoke").description("revoke a key at once")
    .argument("<id>", "the key's id, as the list shows it")
    .addHelpText("after", example("api-key revoke 0c7f9d0e-5a55-4c0b-9d5e-2f1f1b1e6a01"))
    .action((id: string, _options: unknown, command: Command) => revoke(id, command));
}

async function issue(reference: string, options: IssueOptions, command: Command): Promise<void> {
  const keyOptions = readKeyOptions(options);
  const { json, target } = await readContext(command);
  const tenant = await findTenant(target.hub, reference);
  const issued = await withMessages(issueApiKey(target.hub, tenant.id, keyOptions), {
    "23503": `the tenant ${pathOf(tenant)} was deleted during the command`,
    "23514": NAME_RULE,
  });
  const holder = { description: `the tenant ${pathOf(tenant)}`, fields: { tenant_id: tenant.id } };
  printIssued(json, issued, keyOptions, holder);
}

async function list(reference: string | undefined, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const tenant = reference === undefined ? undefined : await findTenant(target.hub, reference);
  const keys = (await listApiKeys(target.hub, tenant?.id)).sort((a, b) =>
    tenantPath(a).localeCompare(tenantPath(b)) || a.created_at.localeCompare(b.created_at)
  );
  const rows = keys.map((key) => [tenantPath(key), ...keyCells(key)]);
  print(json, { api_keys: keys }, table(["TENANT", ...KEY_HEADINGS], rows, "There are no API keys."));
}

async function revoke(text: string, command: Command): Promise<void> {
  const id = readId(text, "api-key list");
  const { json, target } = await readContext(command);
  if (!await revokeApiKey(target.hub, id)) {
    throw new CliError(`there is no API key with the id ${id}; deno task admin api-key list shows them`);
  }
  print(json, { id, revoked: true }, `Revoked ${id}. Requests with this key now fail.`);
}
