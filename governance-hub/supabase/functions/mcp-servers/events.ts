/** `GET /mcp-servers/events`: the events of the caller's servers, newest first, in pages. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { page } from "shared/schema/response_fields.ts";
import { pageOf } from "shared/schema/paging.ts";
import { endpoint } from "shared/http/endpoint.ts";
import { eventFields } from "shared/schema/event_fields.ts";
import { serverId } from "shared/schema/request_fields.ts";
import { callHub, hub, SERVER_ACTIONS, serverEvent } from "../_shared/hub.ts";

const found = once(() => z.object({ events: z.array(serverEvent()), more: z.boolean() }));

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "events",
  isFunction: false,
  method: "GET",
  about: () => ({
    summary: "List events of servers",
    description:
      "Lists the changes of the tenant's servers, newest first, in pages. `since` is inclusive, `until` is exclusive.",
    scope: "servers:read",
    data: page("ServerEventPage", "events", serverEvent()),
  }),
  fields: () => ({ ...eventFields(SERVER_ACTIONS), server_id: z.optional(serverId()) }),
  async answer(call) {
    const { cursor, ...filter } = call.input;
    const after = cursor && { tenant_id: cursor[0], occurred_at: cursor[1], id: cursor[2] };
    const { data, tenantId } = await callHub(call, "list_mcp_server_events", { filter: { ...filter, after } }, found);
    return {
      status: 200,
      data: pageOf("events", data.events, data.more, (last) => [tenantId, last.occurred_at, last.id]),
    };
  },
});
