/** Whether a caller may call a server's tool, prompt or resource, as the database decides it for the gateway. */

import * as z from "zod/mini";
import { callHub, decidedServer } from "../../_shared/hub.ts";
import { type Decided, decidedOf } from "../../_shared/executors.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { invalidParams, type McpError } from "../protocol/mcp_error.ts";
import type { CallMethod, Target } from "shared/mcp/methods.ts";
import type { McpCall } from "../methods.ts";
import type { NamedTarget } from "./target.ts";
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

/**
 * @param method what the call's event says; null for no event.
 * @throws {McpError} the reason why the caller may not call it.
 */
export async function authorizeCall(
  call: McpCall,
  { kind, name }: NamedTarget,
  method: CallMethod | null,
): Promise<{ server: DecidedServer; subject: Decided; event: CallEvent | undefined }> {
  const { data, caller } = await callHub(call, "authorize_call", { tool: name, method }, authorization);
  if (data.server === undefined) throw refusal(data.reason ?? "no_server", kind);
  return { server: data.server, subject: decidedOf(caller), event: data.event };
}

/** Messages never echo the name: it is the caller's text. */
function refusal(reason: string, kind: Target["kind"]): McpError {
  switch (reason) {
    case "insufficient_scope":
      return invalidParams("this key lacks the scope tools:call, or has it only for other services", reason);
    case "server_disabled":
      return invalidParams(`the server of this ${kind} is disabled: enable it with mcp-servers/update`, reason);
    default:
      return invalidParams(`no server of this tenant has this ${kind}: ${kind}s/list names the ${kind}s`, reason);
  }
}
