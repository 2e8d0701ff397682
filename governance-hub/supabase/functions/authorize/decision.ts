/** The decision whether a caller may call a tool: as the database returns it, and as callers see it. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { id, tenantId, text } from "shared/schema/response_fields.ts";
import { documented } from "shared/schema/annotate.ts";
import { server } from "../_shared/hub.ts";

const decided = once(() => ({
  allowed: z.boolean(),
  reason: z.optional(documented(z.string(), {
    description: "why the call is not allowed; absent if it is allowed",
    enum: ["insufficient_scope", "no_tool", "no_server", "server_disabled"],
    examples: [],
  })),
  tool: z.optional(text("search", { description: "the tool's own name, without the server's prefix" })),
}));
/** The caller, and what the key allows. */
export const actor = once(() =>
  documented(
    z.object({
      organization_id: id(),
      kind: text("agent", { enum: ["agent", "kernel"] }),
      id: id(),
      scopes: z.array(text("servers:read")),
      services: documented(z.nullable(z.array(text("amazon"))), {
        description: "the services whose credentials the key may use, or null for all",
      }),
    }),
    { id: "Actor", description: "the caller, and what the key allows" },
  )
);

export const decision = once(() => z.object({ ...decided(), server: z.optional(server()) }));

export const told = once(() =>
  documented(z.object({ ...decided(), tenant_id: tenantId(), actor: actor(), server: z.optional(server()) }), {
    id: "Decision",
  })
);
