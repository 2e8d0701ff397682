/** `tenant create|list|quota|delete`. */

import type { Command } from "commander";
import { createTenant } from "../../client/operator.ts";
import { withMessages } from "../../client/connection/call.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { findOrganization, pathOf } from "../../client/find.ts";
import { listTenants } from "../../client/hub.ts";
import { NAME_RULE } from "./organization.ts";
import { print, table, time } from "../../../cli/output.ts";
import { addTenantDelete } from "./tenant_delete.ts";
import { addTenantQuota } from "./tenant_quota.ts";

export function addTenantCommands(program: Command): void {
  const group = addGroup(program, "tenant", "tenants, which own servers and credentials");
  group.command("create").description("create a tenant in an organization")
    .argument("<organization>", "its id or its name")
    .argument("<name>", "the tenant's name, unique in the organization")
    .addHelpText("after", example("tenant create acme acme-shop"))
    .action((organization: string, name: string, _options: unknown, command: Command) =>
      create(organization, name, command)
    );
  group.command("list").description("list tenants")
    .argument("[organization]", "only for this organization: its id or its name")
    .addHelpText("after", example("tenant list acme"))
    .action((organization: string | undefined, _options: unknown, command: Command) => list(organization, command));
  addTenantQuota(group);
  addTenantDelete(group);
}

async function create(reference: string, name: string, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const organization = await findOrganization(target.hub, reference);
  const { id } = await withMessages(createTenant(target.hub, organization.id, name), {
    "23505": `${organization.name} already has a tenant ${JSON.stringify(name)}`,
    "23503": `the organization ${organization.name} was deleted during the command`,
    "23514": NAME_RULE,
  });
  const tenant = { id, name, organization_id: organization.id, organization_name: organization.name };
  print(json, tenant, `Tenant ${pathOf(tenant)}: ${id}`);
}

async function list(reference: string | undefined, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const organization = reference === undefined ? undefined : await findOrganization(target.hub, reference);
  const found = await listTenants(target.hub, { organization_id: organization?.id });
  const tenants = found.sort((a, b) => pathOf(a).localeCompare(pathOf(b)));
  const rows = tenants.map((tenant) => [
    tenant.organization_name,
    tenant.name,
    tenant.id,
    `${tenant.servers} of ${tenant.max_servers}`,
    time(tenant.created_at),
  ]);
  print(json, { tenants }, table(["ORGANIZATION", "NAME", "ID", "SERVERS", "CREATED"], rows, "There are no tenants."));
}
