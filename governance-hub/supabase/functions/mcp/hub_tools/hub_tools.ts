/** The hub's own tools, under the reserved prefix `hub.`: what an agent may do by MCP instead of REST. */

import schemas from "./hub_tool_schemas.json" with { type: "json" };

export const HUB_PREFIX = "hub.";

export interface HubTool {
  name: string;
  title: string;
  description: string;
  inputSchema: Record<string, unknown>;
  annotations: { readOnlyHint: boolean; destructiveHint: boolean; idempotentHint: boolean; openWorldHint: false };
}

/** The endpoint that a tool calls. */
export interface ToolEndpoint {
  project: "hub" | "vault";
  method: "GET" | "POST";
  path: string;
}

export interface OwnTool {
  tool: HubTool;
  /** The scope that the key must have. */
  scope: string;
  endpoint: ToolEndpoint;
}

const READS = { readOnlyHint: true, destructiveHint: false, idempotentHint: true };
const ADDS = { readOnlyHint: false, destructiveHint: false, idempotentHint: false };
const CHANGES = { readOnlyHint: false, destructiveHint: true, idempotentHint: true };

export const HUB_TOOLS: readonly OwnTool[] = [
  own(
    "hub.register_server",
    "Register a server",
    "Adds an MCP server to the tenant. Its tools are in the next tools/list, each with the tool_prefix before its name. " +
      "args must hold no secret: store secrets with hub.store_credential, under the prefix without its last dot.",
    ADDS,
    "servers:write",
    { project: "hub", method: "POST", path: "mcp-servers/register" },
  ),
  own(
    "hub.list_servers",
    "List servers",
    "Lists the MCP servers of the tenant by server_id, in pages: pass next_cursor as cursor to get the next page.",
    READS,
    "servers:read",
    { project: "hub", method: "GET", path: "mcp-servers/list" },
  ),
  own(
    "hub.update_server",
    "Update a server",
    "Changes only the given fields of a server. Set enabled to false to switch its tools off. " +
      "With if_version, the change fails if the server has another version by now.",
    CHANGES,
    "servers:write",
    { project: "hub", method: "POST", path: "mcp-servers/update" },
  ),
  own(
    "hub.delete_server",
    "Delete a server",
    "Deletes a server permanently. To keep it, set enabled to false with hub.update_server.",
    CHANGES,
    "servers:write",
    { project: "hub", method: "POST", path: "mcp-servers/delete" },
  ),
  own(
    "hub.server_status",
    "Show the state of servers",
    "Shows how the tenant's servers run: state, restarts, calls, the last exit and the last error. " +
      "A server without processes was not called lately: it starts when one of its tools is called.",
    READS,
    "servers:read",
    { project: "hub", method: "GET", path: "mcp-servers/status" },
  ),
  own(
    "hub.store_credential",
    "Store a credential",
    "Encrypts credentials for a service and stores them, in place of any of the same service and type. The service of a " +
      "server is its tool_prefix without the last dot. No tool shows the values again.",
    CHANGES,
    "credentials:write",
    { project: "vault", method: "POST", path: "credentials/store" },
  ),
  own(
    "hub.list_credentials",
    "List credentials",
    "Lists the credentials of the tenant by service and type, without their values, in pages: pass next_cursor as cursor " +
      "to get the next page.",
    READS,
    "credentials:read",
    { project: "vault", method: "GET", path: "credentials/list" },
  ),
  own(
    "hub.delete_credential",
    "Delete a credential",
    "Deletes a credential permanently. Name it by credential_id, or by service with an optional credential_type.",
    CHANGES,
    "credentials:write",
    { project: "vault", method: "POST", path: "credentials/delete" },
  ),
];

type ToolName = keyof typeof schemas;

function own(
  name: ToolName,
  title: string,
  description: string,
  hints: Omit<HubTool["annotations"], "openWorldHint">,
  scope: string,
  endpoint: ToolEndpoint,
): OwnTool {
  const annotations = { ...hints, openWorldHint: false } as const;
  return { tool: { name, title, description, inputSchema: schemas[name], annotations }, scope, endpoint };
}
