/** Whether a caller may call a tool, as the database decides it for the gateway. */

import * as z from "zod/mini";
import { callHub, decidedServer } from "../_shared/hub.ts";
import { type Decided, decidedOf } from "../_shared/executors.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { invalidParams, type McpError } from "./mcp_error.ts";
import type { McpCall } from "./methods.ts";
import { once } from "shared/lazy.ts";

export const authorization = once(() =>
  z.object({
    allowed: z.boolean(),
    reason: z.optional(z.string()),
    server: z.optional(decidedServer()),
    event: z.optional(z.object({ id: z.string(), occurred_at: z.string() })),
  })
);

/** The event of a call. */
export interface CallEvent {
  id: string;
  occurred_at: string;
}

/** @throws {McpError} the reason why the caller may not call the tool. */
export async function authorizeCall(
  call: McpCall,
  tool: string,
  record: boolean,
): Promise<{ server: DecidedServer; subject: Decided; event: CallEvent | undefined }> {
  const { data, caller } = await callHub(call, "authorize_call", { tool, record }, authorization);
  if (data.server === undefined) throw refusal(data.reason ?? "no_server");
  return { server: data.server, subject: decidedOf(caller), event: data.event };
}

/** Messages never echo the tool's name: it is the caller's text. */
function refusal(reason: string): McpError {
  switch (reason) {
    case "insufficient_scope":
      return invalidParams("this key lacks the scope tools:call, or has it only for other services", reason);
    case "server_disabled":
      return invalidParams("the server of this tool is disabled: enable it with mcp-servers/update", reason);
    default:
      return invalidParams("no server of this tenant has this tool: tools/list names the tools", reason);
  }
}
