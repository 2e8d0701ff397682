/** How the tenant's servers run, as the Executors tell it. What the servers print is for operators, and left out. */

import * as z from "zod/mini";
import { noExecutor, notFound } from "shared/api_error.ts";
import { type Call, endpoint } from "shared/http/endpoint.ts";
import { callHub, hub, type server, serverPage } from "../../_shared/hub.ts";
import { type Decided, decidedOf } from "../../_shared/executors.ts";
import type { HubEnvironment } from "shared/environment.ts";
import { type Process, readProcesses } from "../executor_status.ts";
import { serverId } from "shared/schema/request_fields.ts";

type RegisteredServer = z.output<ReturnType<typeof server>>;

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "status",
  isFunction: false,
  method: "GET",
  about: () => ({
    summary: "Show the state of servers",
    description: "Shows how the tenant's servers run.",
    scope: "servers:read",
    data: z.looseObject({}),
    errors: ["not_found"],
  }),
  fields: () => ({ server_id: z.optional(serverId()) }),
  async answer(call) {
    const { server_id } = call.input;
    const { servers, decided } = await listServers(call);
    const wanted = servers.filter((each) => server_id === undefined || each.server_id === server_id);
    if (server_id !== undefined && wanted.length === 0) throw notFound();
    const { executors } = call.environment;
    if (executors === undefined) throw noExecutor();
    const { processes, answered } = await readProcesses(executors, decided, call.presented.requestId);
    return {
      status: 200,
      data: {
        servers: wanted.map((each) => described(each, processes)),
        executors: { asked: executors.urls.length, answered },
      },
    };
  },
});

const PAGE_SIZE = 1000;

/** All pages of the tenant's servers, and for whom the Executors' decisions are. */
async function listServers(
  call: Call<HubEnvironment, unknown>,
): Promise<{ servers: RegisteredServer[]; decided: Decided }> {
  const servers: RegisteredServer[] = [];
  let after: { tenant_id: string; server_id: string } | undefined;
  while (true) {
    const filter = { limit: PAGE_SIZE, after };
    const { data, caller, tenantId } = await callHub(call, "list_mcp_servers", { filter }, serverPage);
    servers.push(...data.servers);
    const last = data.servers.at(-1);
    if (!data.more || last === undefined) return { servers, decided: decidedOf(caller) };
    after = { tenant_id: tenantId, server_id: last.server_id };
  }
}

function described({ id, server_id, version, enabled, tool_prefix }: RegisteredServer, processes: readonly Process[]) {
  const own = processes.filter((process) => process.id === id).map(({ id: _, ...process }) => process);
  return { server_id, version, enabled, tool_prefix, processes: own };
}
