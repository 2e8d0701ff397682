/** `POST /mcp-servers/delete`: deletes a server permanently. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { text } from "shared/schema/response_fields.ts";
import { documented } from "shared/schema/annotate.ts";
import { endpoint } from "shared/http/endpoint.ts";
import { IF_MATCH, readIfMatch } from "../_shared/etag.ts";
import { serverId, version } from "shared/schema/request_fields.ts";
import { endInBackground } from "../_shared/executors.ts";
import { callHub, hub } from "../_shared/hub.ts";

const deleted = once(() =>
  documented(z.object({ server_id: text("my-amazon-server"), deleted: z.literal(true) }), { id: "DeletedServer" })
);

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "delete",
  method: "POST",
  about: () => ({
    summary: "Delete a server",
    description: "Deletes a server permanently.",
    scope: "servers:write",
    data: deleted(),
    errors: ["not_found", "version_mismatch"],
    reads: IF_MATCH,
    example: { server_id: "my-amazon-server" },
  }),
  fields: () => ({ server_id: serverId(), if_version: z.optional(version()) }),
  async answer(call) {
    const { server_id } = call.input;
    const if_version = readIfMatch(call.headers, call.input.if_version);
    const answer = await callHub(call, "delete_mcp_server", { server_id, if_version }, deleted);
    endInBackground(call, answer);
    return { status: 200, data: answer.data };
  },
});
