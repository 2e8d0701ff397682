/** `POST /authorize`: whether the caller may call a tool, which server owns it, and what it is called there. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { toolName } from "shared/fields.ts";
import { callHub, hub, server } from "shared/hub.ts";

const decision = z.object({
  allowed: z.boolean(),
  reason: z.optional(z.string()),
  tool: z.optional(z.string()),
  server: z.nullable(server),
  known: z.object({
    tenant_id: z.string(),
    organization_id: z.string(),
    kind: z.string(),
    id: z.string(),
    scopes: z.array(z.string()),
    services: z.nullable(z.array(z.string())),
  }),
});

export default endpoint({
  project: hub,
  resource: "authorize",
  method: "POST",
  fields: { tool: z.optional(toolName) },
  async answer(call) {
    const { data } = await callHub(call, "authorize_tool", { tool: call.input.tool ?? null }, decision);
    const { known: { tenant_id, ...actor }, server, ...decided } = data;
    return { status: 200, data: { ...decided, tenant_id, actor, ...(server && { server }) } };
  },
});
