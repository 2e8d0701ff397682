/** What the functions of governance-hub share. */

import * as z from "zod/mini";
import type { Database } from "../../database.types.ts";
import { id, integer, moment, text } from "shared/schema/response_fields.ts";
import { digestCaller } from "shared/auth/presented_key.ts";
import { callFunction, type FunctionName, type Parameters } from "shared/database/call_function.ts";
import { documented } from "shared/schema/annotate.ts";
import type { Call } from "shared/http/endpoint.ts";
import { type HubEnvironment, readHubEnvironment } from "shared/environment.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { event } from "shared/schema/event_fields.ts";
import { once } from "shared/lazy.ts";
import type { Project } from "shared/http/respond.ts";

export const hub: Project<HubEnvironment> = {
  title: "governance-hub",
  description:
    "A registry of MCP servers by tenant. `POST /mcp` is its gateway, which MCP clients speak to: JSON-RPC 2.0 " +
    "over Streamable HTTP, with the tools, prompts and resources of all of the tenant's servers. " +
    "`/mcp/servers/register`, `list`, `update` and `delete` are the endpoints of `/mcp-servers`.",
  success: {},
  failure: {},
  environment: once(() => readHubEnvironment((name) => Deno.env.get(name))),
};

/** A server as callers see it. */
export const server = once(() =>
  documented(
    z.object({
      id: id(),
      server_id: text("my-amazon-server"),
      name: text("My Amazon MCP Server"),
      command: text("node"),
      args: z.array(text("@mycompany/amazon-mcp-server")),
      tool_prefix: text("amazon."),
      enabled: z.boolean(),
      created_at: moment(),
      updated_at: moment(),
      version: integer(1, { description: "starts at 1; each change adds one", examples: [3] }),
    }),
    { id: "Server" },
  )
);

/** A changed server. A key without `servers:read` sees only its server_id and its version. */
export const updatedServer = once(() => {
  const { server_id, version } = server().shape;
  return documented(z.object({ ...z.partial(server()).shape, server_id, version }), {
    id: "UpdatedServer",
    description: "the whole server; for a key without `servers:read`, only its server_id and its version",
  });
});

/** The answer of `list_mcp_servers`. */
export const serverPage = once(() =>
  z.object({
    revision: z.number(),
    unchanged: z.optional(z.boolean()),
    servers: z._default(z.array(server()), []),
    more: z._default(z.boolean(), false),
  })
);

export const SERVER_ACTIONS = ["register", "update", "delete", "call"];

/** An event of a server, as callers see it. Only a call has the last four. */
export const serverEvent = once(() =>
  documented(
    z.object({
      ...event(SERVER_ACTIONS),
      server_id: text("my-amazon-server"),
      registration_id: id(),
      version: integer(1),
      changed_fields: z.nullable(z.array(text("name"))),
      method: documented(z.nullable(text("tools/call")), { description: "of a call: the method of MCP" }),
      tool: documented(z.nullable(text("amazon.search")), {
        description: "of a call: the full name of the tool or prompt, or the full URI of the resource",
      }),
      milliseconds: z.nullable(integer(0)),
      outcome: documented(z.nullable(text("ok")), {
        description:
          "ok, tool_error, or why there is no result of the tool; null while the call runs, or if its end is unknown",
      }),
    }),
    { id: "ServerEvent" },
  )
);

const caller = once(() =>
  z.looseObject({
    tenant_id: z.string(),
    organization_id: z.string(),
    kind: z.enum(["agent", "kernel"]),
    id: z.string(),
  })
);
export type HubCaller = z.output<ReturnType<typeof caller>>;

/** A server as a decision names it. */
export const decidedServer = once(() =>
  z.object({
    id: z.string(),
    server_id: z.string(),
    version: z.number(),
    command: z.string(),
    args: z.array(z.string()),
    tool_prefix: z.string(),
  })
);

const answer = once(() => z.object({ caller: caller(), data: z.unknown(), changed: z.nullish(decidedServer()) }));

export interface HubAnswer<Data> {
  data: Data;
  caller: HubCaller;
  tenantId: string;
  /** The server that was changed or deleted: for the Executors, since the key may not read servers. */
  changed: DecidedServer | undefined;
}

/** Calls a function of the hub's database for the caller. */
export async function callHub<Name extends FunctionName<Database>, Data extends z.ZodMiniType>(
  { environment, presented, noteCaller }: Call<HubEnvironment, unknown>,
  name: Name,
  parameters: Omit<Parameters<Database, Name>, "caller">,
  data: () => Data,
): Promise<HubAnswer<z.output<Data>>> {
  const digest = await digestCaller(presented, environment.kernelSecret);
  const all = { caller: digest, ...parameters } as Parameters<Database, Name>;
  const result = answer().parse(await callFunction<Database, Name>(environment.database, name, all, noteCaller));
  noteCaller(result.caller);
  return {
    data: data().parse(result.data),
    caller: result.caller,
    tenantId: result.caller.tenant_id,
    changed: result.changed ?? undefined,
  };
}
