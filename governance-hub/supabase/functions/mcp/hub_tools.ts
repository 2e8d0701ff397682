/** The hub's own tools, under the reserved prefix `hub.`. */

export const HUB_PREFIX = "hub.";

export interface HubTool {
  name: string;
  description: string;
  inputSchema: Record<string, unknown>;
}

export interface CallToolResult extends Record<string, unknown> {
  content: { type: "text"; text: string }[];
  isError?: boolean;
}

/** Whose request a tool acts for: the endpoints read the key from these headers. */
export interface HubToolContext {
  headers: Headers;
  tenantId: string | undefined;
  requestId: string;
}

/** Each with the scope that its key needs. */
export const HUB_TOOLS: readonly { tool: HubTool; scope: string }[] = [];

export function callHubTool(
  name: string,
  _args: Record<string, unknown>,
  _context: HubToolContext,
): Promise<CallToolResult> {
  return Promise.reject(new TypeError(`there is no tool ${name}`));
}
