/** `GET /mcp-servers/list`: the MCP servers of the caller's tenant, by server_id, in pages; 304 to who has them as they are. */

import * as z from "zod/mini";
import { pageOf } from "shared/cursor.ts";
import { endpoint } from "shared/endpoint.ts";
import { listEtag, readIfNoneMatch } from "shared/etag.ts";
import { cursor, flag, limit } from "shared/fields.ts";
import { callHub, hub, server } from "shared/hub.ts";

const page = z.object({
  revision: z.number(),
  unchanged: z.optional(z.boolean()),
  servers: z._default(z.array(server), []),
  more: z._default(z.boolean(), false),
});

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "list",
  method: "GET",
  fields: { enabled_only: z.optional(flag), limit, cursor: z.optional(cursor(1)) },
  async answer(call) {
    const { enabled_only, limit, cursor } = call.input;
    const after = cursor && { tenant_id: cursor[0], server_id: cursor[1] };
    const filter = { enabled_only, limit, after, known_revisions: readIfNoneMatch(call.headers) };
    const { data, tenantId } = await callHub(call, "list_mcp_servers", { filter }, page);
    const headers = {
      etag: listEtag({ tenant_id: tenantId, revision: data.revision }),
      "cache-control": "private, no-cache",
    };
    if (data.unchanged) return { status: 304, headers };
    return {
      status: 200,
      data: pageOf("servers", data.servers, data.more, (last) => [tenantId, last.server_id]),
      headers,
    };
  },
});
