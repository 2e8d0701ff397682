/** Calls of servers without an endpoint. */

import type { CallListener, ServerCall } from "../processes/running_server.ts";

export const IGNORE: CallListener = { onProgress: () => {}, onMessage: () => {} };

export function toolCall(name: string, args: Record<string, unknown> = {}): ServerCall {
  return { method: "tools/call", params: { name, arguments: args } };
}
