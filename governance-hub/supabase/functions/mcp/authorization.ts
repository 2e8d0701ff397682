/** Whether a caller may call a tool, as the database decides it for the gateway. */

import * as z from "zod/mini";
import { callHub } from "../_shared/hub.ts";
import type { DecidedServer, Subject } from "shared/decision/decision.ts";
import { invalidParams, type McpError } from "./mcp_error.ts";
import type { McpCall } from "./methods.ts";
import { once } from "shared/lazy.ts";

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

export const authorization = once(() =>
  z.object({ allowed: z.boolean(), reason: z.optional(z.string()), server: z.optional(decidedServer()) })
);

/** For whom a decision is. */
export type Decided = Pick<Subject, "tenant_id" | "organization_id" | "actor">;

const decided = once(() =>
  z.object({ tenant_id: z.string(), organization_id: z.string(), kind: z.enum(["agent", "kernel"]), id: z.string() })
);

export function decidedOf(caller: unknown): Decided {
  const { tenant_id, organization_id, kind, id } = decided().parse(caller);
  return { tenant_id, organization_id, actor: { kind, id } };
}

/** @throws {McpError} the reason why the caller may not call the tool. */
export async function authorizeCall(
  call: McpCall,
  tool: string,
): Promise<{ server: DecidedServer; subject: Decided }> {
  const { data, caller } = await callHub(call, "authorize_call", { tool }, authorization);
  if (data.server === undefined) throw refusal(data.reason ?? "no_server");
  return { server: data.server, subject: decidedOf(caller) };
}

/** Messages never echo the tool's name: it is the caller's text. */
function refusal(reason: string): McpError {
  switch (reason) {
    case "insufficient_scope":
      return invalidParams("this key lacks the scope tools:call", reason);
    case "server_disabled":
      return invalidParams("the server of this tool is disabled: enable it with mcp-servers/update", reason);
    default:
      return invalidParams("no server of this tenant has this tool: tools/list names the tools", reason);
  }
}
