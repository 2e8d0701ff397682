/** `POST /mcp-servers/update`: changes only those fields of a server that the body has. */

import * as z from "zod/mini";
import { endpoint } from "shared/http/endpoint.ts";
import { IF_MATCH, readIfMatch, SERVER_ETAG, serverEtag } from "../_shared/etag.ts";
import { args, command, enabled, serverId, serverName, toolPrefix, version } from "shared/schema/request_fields.ts";
import { endInBackground } from "../_shared/executors.ts";
import { callHub, hub, updatedServer } from "../_shared/hub.ts";
import { refuseSecrets } from "../_shared/secret_args.ts";

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "update",
  method: "POST",
  about: () => ({
    summary: "Update a server",
    description: "Changes only those fields of a server that the body has. " +
      "A key without the scope `servers:read` gets only the server_id and the version.",
    scope: "servers:write",
    data: updatedServer(),
    errors: ["secret_in_args", "not_found", "tool_prefix_taken", "version_mismatch"],
    reads: IF_MATCH,
    gives: SERVER_ETAG,
    example: { server_id: "my-amazon-server", name: "Updated Name", enabled: false },
  }),
  fields: () => ({
    server_id: serverId(),
    name: z.optional(serverName()),
    command: z.optional(command()),
    args: z.optional(args()),
    tool_prefix: z.optional(toolPrefix()),
    enabled: z.optional(enabled()),
    if_version: z.optional(version()),
  }),
  async answer(call) {
    const { server_id, if_version: ifVersion, ...changes } = call.input;
    refuseSecrets(changes.args ?? []);
    const if_version = readIfMatch(call.headers, ifVersion);
    const answer = await callHub(call, "update_mcp_server", { server_id, changes, if_version }, updatedServer);
    endInBackground(call, answer);
    const { data } = answer;
    return { status: 200, data, headers: { etag: serverEtag(data.version) } };
  },
});
