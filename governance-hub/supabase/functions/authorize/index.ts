/** `POST /authorize`: whether the caller may call a tool, which server owns it, and what it is called there. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { toolName } from "shared/fields.ts";
import { callHub, hub } from "shared/hub.ts";
import { decision, told } from "./decision.ts";

export default endpoint({
  project: hub,
  resource: "authorize",
  method: "POST",
  about: {
    summary: "Tells whether the caller may call a tool, and which server owns it; without a tool, who calls",
    data: told,
  },
  fields: { tool: z.optional(toolName) },
  async answer(call) {
    const { data } = await callHub(call, "authorize_tool", { tool: call.input.tool ?? null }, decision);
    const { known: { tenant_id, ...actor }, server, ...decided } = data;
    return { status: 200, data: { ...decided, tenant_id, actor, ...(server && { server }) } };
  },
});
