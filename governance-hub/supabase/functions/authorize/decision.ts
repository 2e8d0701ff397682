/** Whether a caller may call a tool: as the database decides it, and as callers are told. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { id, tenantId, text } from "shared/schema/response_fields.ts";
import { documented } from "shared/schema/annotate.ts";
import { server } from "../_shared/hub.ts";

const decided = once(() => ({
  allowed: z.boolean(),
  reason: z.optional(documented(z.string(), {
    description: "why not; absent when it is allowed",
    enum: ["insufficient_scope", "no_tool", "no_server", "server_disabled"],
    examples: [],
  })),
  tool: z.optional(text("search", { description: "the tool's own name, without the server's prefix" })),
}));
/** Who calls, and what the key allows. */
export const actor = once(() =>
  documented(
    z.object({
      organization_id: id(),
      kind: text("agent", { enum: ["agent", "kernel"] }),
      id: id(),
      scopes: z.array(text("servers:read")),
      services: documented(z.nullable(z.array(text("amazon"))), {
        description: "whose credentials the key may touch; null: all",
      }),
    }),
    { id: "Actor", description: "who calls, and what the key allows" },
  )
);

export const decision = once(() => z.object({ ...decided(), server: z.optional(server()) }));

export const told = once(() =>
  documented(z.object({ ...decided(), tenant_id: tenantId(), actor: actor(), server: z.optional(server()) }), {
    id: "Decision",
  })
);
