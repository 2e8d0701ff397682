/** Calls the hub's own tools for tests. */

import { sendMcp, type TestGateway } from "./gateway.ts";

export interface ToolReply {
  content: { type: string; text: string }[];
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  structuredContent?: any;
  isError?: boolean;
}

export interface CallOptions {
  tenantId?: string;
  requestId?: string;
}

/** The result of a tool. Its arguments are an object, or their JSON text. */
export async function callHubTool(
  gateway: TestGateway,
  key: string,
  name: string,
  args: Record<string, unknown> | string = {},
  { tenantId, requestId }: CallOptions = {},
): Promise<ToolReply> {
  const text = typeof args === "string" ? args : JSON.stringify(args);
  const body =
    `{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "${name}", "arguments": ${text}}}`;
  const { body: message } = await sendMcp(gateway, body, {
    key,
    ...(tenantId !== undefined && { tenantId }),
    ...(requestId !== undefined && { headers: { "x-request-id": requestId } }),
  });
  return message.result;
}
