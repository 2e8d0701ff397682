/** `organization create|list`. */

import type { Command } from "commander";
import { createOrganization } from "../../client/operator.ts";
import { withMessages } from "../../client/connection/call.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { listOrganizations } from "../../client/hub.ts";
import { print, table, time } from "../../../cli/output.ts";

export const NAME_RULE = "a name must have 1 to 200 characters, and no control or format characters";

export function addOrganizationCommands(program: Command): void {
  const group = addGroup(program, "organization", "organizations, which own tenants and kernels");
  group.command("create").description("create an organization")
    .argument("<name>", "its name, unique among organizations")
    .addHelpText("after", example("organization create acme"))
    .action((name: string, _options: unknown, command: Command) => create(name, command));
  group.command("list").description("list organizations")
    .addHelpText("after", example("organization list --json"))
    .action((_options: unknown, command: Command) => list(command));
}

async function create(name: string, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const { id } = await withMessages(createOrganization(target.hub, name), {
    "23505": `an organization ${JSON.stringify(name)} already exists`,
    "23514": NAME_RULE,
  });
  print(json, { id, name }, `Organization ${name}: ${id}`);
}

async function list(command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const organizations = (await listOrganizations(target.hub)).sort((a, b) => a.name.localeCompare(b.name));
  const rows = organizations.map(({ id, name, created_at }) => [name, id, time(created_at)]);
  print(json, { organizations }, table(["NAME", "ID", "CREATED"], rows, "There are no organizations."));
}
