/** `POST /authorize`: whether the caller may call a tool, which server owns it, and the tool's name there. */

import * as z from "zod/mini";
import { endpoint } from "shared/http/endpoint.ts";
import { toolName } from "shared/schema/request_fields.ts";
import { callHub, hub } from "../_shared/hub.ts";
import { actor, decision, told } from "./decision.ts";

export default endpoint({
  project: hub,
  resource: "authorize",
  method: "POST",
  about: () => ({
    summary: "Authorize a tool",
    description:
      "Tells whether the caller may call a tool, and which server owns it. Without a tool, it identifies the caller.",
    data: told(),
  }),
  isBodyOptional: true,
  fields: () => ({ tool: z.optional(toolName()) }),
  async answer(call) {
    const tool = call.input.tool ?? null;
    const { data, caller, tenantId } = await callHub(call, "authorize_tool", { tool }, decision);
    return { status: 200, data: { ...data, tenant_id: tenantId, actor: actor().parse(caller) } };
  },
});
