/** `GET /mcp-servers/events`: what was done to the servers of the caller's tenant, newest first, in pages. */

import * as z from "zod/mini";
import { pageOf } from "shared/cursor.ts";
import { endpoint } from "shared/endpoint.ts";
import { event, eventFields } from "shared/events.ts";
import { serverId } from "shared/fields.ts";
import { callHub, hub } from "shared/hub.ts";

const ACTIONS = ["register", "update", "delete"];

const serverEvent = z.object({
  ...event,
  server_id: z.string(),
  registration_id: z.string(),
  version: z.number(),
  changed_fields: z.nullable(z.array(z.string())),
});
const page = z.object({ events: z.array(serverEvent), more: z.boolean() });

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "events",
  method: "GET",
  fields: { ...eventFields(ACTIONS), server_id: z.optional(serverId) },
  async answer(call) {
    const { cursor, ...filter } = call.input;
    const after = cursor && { tenant_id: cursor[0], occurred_at: cursor[1], id: cursor[2] };
    const { data, tenantId } = await callHub(call, "list_mcp_server_events", { filter: { ...filter, after } }, page);
    return {
      status: 200,
      data: pageOf("events", data.events, data.more, (last) => [tenantId, last.occurred_at, last.id]),
    };
  },
});
