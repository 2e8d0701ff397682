/** `POST /mcp-servers/register`: adds an MCP server to the caller's tenant. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { serverEtag } from "shared/etag.ts";
import { args, command, enabled, serverId, serverName, toolPrefix } from "shared/fields.ts";
import { callHub, hub, server } from "shared/hub.ts";

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "register",
  method: "POST",
  fields: {
    server_id: serverId,
    name: serverName,
    command,
    args,
    tool_prefix: toolPrefix,
    enabled: z.optional(enabled),
  },
  async answer(call) {
    const { data } = await callHub(call, "register_mcp_server", { server: call.input }, server);
    return { status: 201, data, headers: { etag: serverEtag(data.version) } };
  },
});
