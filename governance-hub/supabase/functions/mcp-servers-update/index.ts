/** `POST /mcp-servers/update`: changes the named fields of a server, and no others. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { readIfMatch, serverEtag } from "shared/etag.ts";
import { args, command, enabled, serverId, serverName, toolPrefix, version } from "shared/fields.ts";
import { callHub, hub, server } from "shared/hub.ts";

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "update",
  method: "POST",
  fields: {
    server_id: serverId,
    name: z.optional(serverName),
    command: z.optional(command),
    args: z.optional(args),
    tool_prefix: z.optional(toolPrefix),
    enabled: z.optional(enabled),
    if_version: z.optional(version),
  },
  async answer(call) {
    const { server_id, if_version: ifVersion, ...changes } = call.input;
    const if_version = readIfMatch(call.headers, ifVersion);
    const { data } = await callHub(call, "update_mcp_server", { server_id, changes, if_version }, server);
    return { status: 200, data, headers: { etag: serverEtag(data.version) } };
  },
});
