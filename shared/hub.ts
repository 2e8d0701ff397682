/** What the functions of governance-hub share. */

import * as z from "zod/mini";
import type { Database } from "governance-hub/supabase/database.types.ts";
import { digestCaller } from "./caller.ts";
import { callFunction, type FunctionName, type Parameters } from "./database.ts";
import type { Call, Project } from "./endpoint.ts";
import { type HubEnvironment, readHubEnvironment } from "./environment.ts";
import { once } from "./once.ts";

export const hub: Project<HubEnvironment> = {
  success: {},
  failure: {},
  environment: once(() => readHubEnvironment((name) => Deno.env.get(name))),
};

/** A server as callers see it. */
export const server = z.object({
  id: z.string(),
  server_id: z.string(),
  name: z.string(),
  command: z.string(),
  args: z.array(z.string()),
  tool_prefix: z.string(),
  enabled: z.boolean(),
  created_at: z.string(),
  updated_at: z.string(),
  version: z.number(),
});

const answer = z.object({
  caller: z.object({ tenant_id: z.string(), kind: z.string(), id: z.string() }),
  data: z.unknown(),
});

/** Calls a function of the hub's database for the caller, and returns its `data`. */
export async function callHub<Name extends FunctionName<Database>, Data extends z.ZodMiniType>(
  { environment, caller, noteCaller }: Call<HubEnvironment, unknown>,
  name: Name,
  parameters: Omit<Parameters<Database, Name>, "caller">,
  data: Data,
): Promise<{ data: z.output<Data>; tenantId: string }> {
  const digest = await digestCaller(caller, environment.kernelSecret);
  const all = { caller: digest, ...parameters } as Parameters<Database, Name>;
  const result = answer.parse(await callFunction<Database, Name>(environment.database, name, all, noteCaller));
  noteCaller(result.caller);
  return { data: data.parse(result.data), tenantId: result.caller.tenant_id };
}
