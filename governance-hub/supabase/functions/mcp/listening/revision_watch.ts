/** Reads the revision of a tenant's servers again and again, as long as somebody listens. Callers with one key share it. */

import * as z from "zod/mini";
import { ApiError, internal } from "shared/api_error.ts";
import { callHub } from "../../_shared/hub.ts";
import type { McpCall } from "../methods.ts";
import { once } from "shared/lazy.ts";

export interface Listener {
  call: McpCall;
  seen: Seen;
  onChange(): void;
  /** The caller may no longer listen. */
  onRefusal(error: ApiError): void;
}

/** What the database said last. */
export interface Seen {
  tenantId: string;
  revision: number;
}

export interface RevisionWatch {
  add(caller: string, listener: Listener): void;
  remove(caller: string, listener: Listener): void;
  count(caller: string): number;
}

interface Watched {
  listeners: Set<Listener>;
  timer?: ReturnType<typeof setTimeout>;
}

/** In milliseconds: however many callers listen, an instance reads at most 50 revisions a second. */
const MIN_SPACING_MS = 20;

export function openRevisionWatch(pollMs: number): RevisionWatch {
  const all = new Map<string, Watched>();

  function schedule(watched: Watched): void {
    const pause = Math.max(pollMs, all.size * MIN_SPACING_MS);
    watched.timer = setTimeout(async () => {
      await look(watched.listeners);
      if (watched.listeners.size > 0) schedule(watched);
    }, pause);
  }

  return {
    add(caller, listener) {
      const watched = all.get(caller) ?? { listeners: new Set() };
      watched.listeners.add(listener);
      if (all.has(caller)) return;
      all.set(caller, watched);
      schedule(watched);
    },
    remove(caller, listener) {
      const watched = all.get(caller);
      if (!watched?.listeners.delete(listener) || watched.listeners.size > 0) return;
      clearTimeout(watched.timer);
      all.delete(caller);
    },
    count: (caller) => all.get(caller)?.listeners.size ?? 0,
  };
}

async function look(listeners: Set<Listener>): Promise<void> {
  const [first] = listeners;
  if (first === undefined) return;
  try {
    const { revision } = await readRevision(first.call, first.seen);
    // A database that was restored may be at a smaller revision.
    for (const listener of [...listeners]) {
      if (listener.seen.revision === revision) continue;
      listener.seen.revision = revision;
      listener.onChange();
    }
  } catch (thrown) {
    const error = thrown instanceof ApiError ? thrown : internal(thrown);
    // The next look finds what changed while the database was away.
    if (error.code === "unavailable") return;
    for (const listener of [...listeners]) listener.onRefusal(error);
  }
}

const answer = once(() => z.object({ revision: z.number() }));

/** One indexed read, which authenticates the caller too. Without `seen`, it reads the servers as well. @throws {ApiError} */
export async function readRevision(call: McpCall, seen?: Seen): Promise<Seen> {
  const known = seen && { tenant_id: seen.tenantId, revision: seen.revision };
  const { data, tenantId } = await callHub(call, "list_callable_servers", { known }, answer);
  return { tenantId, revision: data.revision };
}
