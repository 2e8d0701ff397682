/** `GET /mcp-servers/list`: the servers of the caller's tenant by server_id, in pages; 304 if the client's list is current. */

import * as z from "zod/mini";
import { page } from "shared/schema/response_fields.ts";
import { pageOf } from "shared/schema/paging.ts";
import { endpoint } from "shared/http/endpoint.ts";
import { IF_NONE_MATCH, LIST_ETAG, listEtag, readIfNoneMatch } from "../_shared/etag.ts";
import { cursor, flag, limit } from "shared/schema/request_fields.ts";
import { callHub, hub, server, serverPage } from "../_shared/hub.ts";

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "list",
  method: "GET",
  about: () => ({
    summary: "List servers",
    description: "Lists the MCP servers of the tenant by server_id, in pages.",
    scope: "servers:read",
    data: page("ServerPage", "servers", server()),
    statuses: { 200: "a page", 304: "not modified: an ETag in If-None-Match is current" },
    reads: IF_NONE_MATCH,
    gives: LIST_ETAG,
  }),
  fields: () => ({ enabled_only: z.optional(flag()), limit: limit(), cursor: z.optional(cursor(1)) }),
  async answer(call) {
    const { enabled_only, limit, cursor } = call.input;
    const after = cursor && { tenant_id: cursor[0], server_id: cursor[1] };
    const known = readIfNoneMatch(call.headers);
    // With *, the answer is always 304, so the page's content does not matter.
    const filter = { enabled_only, after, ...(known === "any" ? { limit: 1 } : { limit, known_revisions: known }) };
    const { data, tenantId } = await callHub(call, "list_mcp_servers", { filter }, serverPage);
    const etag = listEtag({ tenant_id: tenantId, revision: data.revision });
    const headers = { etag, "cache-control": "private, no-cache" };
    if (data.unchanged || known === "any") return { status: 304, headers };
    return {
      status: 200,
      data: pageOf("servers", data.servers, data.more, (last) => [tenantId, last.server_id]),
      headers,
    };
  },
});
