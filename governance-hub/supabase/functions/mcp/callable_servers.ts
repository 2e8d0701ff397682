/** The enabled servers of the caller's tenant. The revision is the cache key: an unchanged tenant costs one read. */

import * as z from "zod/mini";
import { callerOf } from "./caller.ts";
import { callHub, decidedServer } from "../_shared/hub.ts";
import { type Decided, decidedOf } from "../_shared/executors.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import type { McpCall } from "./methods.ts";
import { once } from "shared/lazy.ts";

interface KeptServers {
  tenantId: string;
  revision: number;
  servers: DecidedServer[];
}

export interface CallableServers {
  servers: DecidedServer[];
  subject: Decided;
  scopes: readonly string[];
}

const MAX_KEPT = 200;
/** A list whose arguments are this long is read each time, rather than held. In characters. */
const MAX_KEPT_LENGTH = 256 * 1024;

/** By the digest of the caller's key; the least recently used first. */
const kept = new Map<string, KeptServers>();

const answer = once(() => z.object({ revision: z.number(), servers: z.optional(z.array(decidedServer())) }));
const scopes = once(() => z.object({ scopes: z.array(z.string()) }));

export async function callableServers(call: McpCall): Promise<CallableServers> {
  const key = await callerOf(call);
  const before = kept.get(key);
  const known = before && { tenant_id: before.tenantId, revision: before.revision };
  const { data, caller, tenantId } = await callHub(call, "list_callable_servers", { known }, answer);
  // The database says that the list is unchanged only for this very tenant.
  const servers = data.servers ?? (before?.tenantId === tenantId ? before.servers : []);
  keep(key, { tenantId, revision: data.revision, servers });
  return { servers, subject: decidedOf(caller), scopes: scopes().parse(caller).scopes };
}

function keep(key: string, entry: KeptServers): void {
  kept.delete(key);
  const length = entry.servers.reduce((sum, { args }) => sum + args.join("").length, 0);
  if (length > MAX_KEPT_LENGTH) return;
  kept.set(key, entry);
  for (const oldest of kept.keys()) {
    if (kept.size <= MAX_KEPT) return;
    kept.delete(oldest);
  }
}
