/** `POST /mcp-servers/register`: adds an MCP server to the caller's tenant. */

import * as z from "zod/mini";
import { endpoint } from "shared/http/endpoint.ts";
import { SERVER_ETAG, serverEtag } from "../_shared/etag.ts";
import { args, command, enabled, serverId, serverName, toolPrefix } from "shared/schema/request_fields.ts";
import { callHub, hub, server } from "../_shared/hub.ts";
import { refuseSecrets } from "../_shared/secret_args.ts";

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "register",
  method: "POST",
  about: () => ({
    summary: "Register a server",
    description: "Adds an MCP server to the tenant.",
    scope: "servers:write",
    data: server(),
    statuses: { 201: "the server" },
    errors: ["secret_in_args", "server_id_taken", "tool_prefix_taken", "quota_exceeded"],
    gives: SERVER_ETAG,
  }),
  fields: () => ({
    server_id: serverId(),
    name: serverName(),
    command: command(),
    args: args(),
    tool_prefix: toolPrefix(),
    enabled: z.optional(enabled()),
  }),
  async answer(call) {
    refuseSecrets(call.input.args);
    const { data } = await callHub(call, "register_mcp_server", { server: call.input }, server);
    return { status: 201, data, headers: { etag: serverEtag(data.version) } };
  },
});
