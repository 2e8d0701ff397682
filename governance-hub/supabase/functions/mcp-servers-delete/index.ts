/** `POST /mcp-servers/delete`: deletes a server for good. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { serverId } from "shared/fields.ts";
import { callHub, hub } from "shared/hub.ts";

const deleted = z.object({ server_id: z.string(), deleted: z.literal(true) });

export default endpoint({
  project: hub,
  resource: "mcp-servers",
  verb: "delete",
  method: "POST",
  fields: { server_id: serverId },
  async answer(call) {
    const { data } = await callHub(call, "delete_mcp_server", { server_id: call.input.server_id }, deleted);
    return { status: 200, data };
  },
});
