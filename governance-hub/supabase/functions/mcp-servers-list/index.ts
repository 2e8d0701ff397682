/** `GET /mcp-servers/list`: the MCP servers of the caller's tenant, by server_id, in pages. */

import * as z from "zod/mini";
import { encodeCursor } from "shared/cursor.ts";
import { endpoint } from "shared/endpoint.ts";
import { cursor, flag, limit } from "shared/fields.ts";
import { callHub, hub, server } from "shared/hub.ts";

const page = z.object({ servers: z.array(server), more: z.boolean() });

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "list",
  method: "GET",
  fields: { enabled_only: z.optional(flag), limit, cursor: z.optional(cursor(1)) },
  async answer(call) {
    const { enabled_only, limit, cursor } = call.input;
    const after = cursor && { tenant_id: cursor[0], server_id: cursor[1] };
    const { data, tenantId } = await callHub(
      call,
      "list_mcp_servers",
      { filter: { enabled_only, limit, after } },
      page,
    );
    const last = data.more ? data.servers.at(-1) : undefined;
    return {
      status: 200,
      data: {
        servers: data.servers,
        count: data.servers.length,
        next_cursor: last ? encodeCursor([tenantId, last.server_id]) : null,
      },
    };
  },
});
