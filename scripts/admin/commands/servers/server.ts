/** `server list|status`. */

import type { Command } from "commander";
import { addGroup, example, readContext } from "../../command.ts";
import { findTenant, tenantPath } from "../../client/find.ts";
import { listServers } from "../../client/hub.ts";
import { addServerStatusCommand } from "./server_status.ts";
import { print, table, time } from "../../../cli/output.ts";

export function addServerCommands(program: Command): void {
  const group = addGroup(program, "server", "agents' registered MCP servers");
  group.command("list").description("list servers, without their arguments")
    .argument("[tenant]", "only for this tenant: its id, its name or organization/name")
    .addHelpText("after", example("server list acme-shop"))
    .action((tenant: string | undefined, _options: unknown, command: Command) => list(tenant, command));
  addServerStatusCommand(group);
}

async function list(reference: string | undefined, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const tenant = reference === undefined ? undefined : await findTenant(target.hub, reference);
  const servers = await listServers(target.hub, tenant?.id);
  const rows = servers.map((server) => [
    tenantPath(server),
    server.server_id,
    server.name,
    server.tool_prefix,
    server.enabled ? "yes" : "no",
    time(server.created_at),
    time(server.updated_at),
  ]);
  const headings = ["TENANT", "SERVER ID", "NAME", "TOOL PREFIX", "ENABLED", "CREATED", "UPDATED"];
  print(json, { servers }, table(headings, rows, "There are no servers."));
}
