/** Reads the events of both projects, oldest first, one page at a time, so that memory use stays flat. */

import * as z from "zod/mini";
import type { Json } from "governance-hub/supabase/database.types.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { callHub, callVault, type ProjectAccess } from "./connection/call.ts";
import { withRetries } from "./connection/retry.ts";

const event = z.looseObject({
  occurred_at: z.string(),
  id: z.string(),
  tenant_id: z.string(),
  action: z.string(),
  actor_kind: z.string(),
  actor_id: z.nullable(z.string()),
  request_id: z.nullable(z.string()),
  /** Of each event in the hub. In the vault, of a use. */
  server_id: z.nullish(z.string()),
  changed_fields: z.nullish(z.array(z.string())),
  method: z.nullish(z.string()),
  tool: z.nullish(z.string()),
  outcome: z.nullish(z.string()),
  /** Only in the vault. */
  service: z.optional(z.string()),
  credential_type: z.optional(z.string()),
  executor_id: z.nullish(z.string()),
});

export type Event = z.output<typeof event> & { project: ProjectName };

/** Times are RFC 3339. `until` is exclusive. */
export type EventFilter = {
  tenant_id?: string | undefined;
  action?: string | undefined;
  server_id?: string | undefined;
  service?: string | undefined;
  since?: string | undefined;
  until?: string | undefined;
};

export interface EventSource {
  name: ProjectName;
  access: ProjectAccess;
}

/** The most rows that `list_events` returns. A shorter page is the last. */
const PAGE_ROWS = 1000;

/** The events of all sources, merged by time. */
export async function* readEvents(sources: EventSource[], filter: EventFilter): AsyncGenerator<Event> {
  const streams = sources.map((source) => readSource(source, filter));
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  while (true) {
    const first = earliest(heads);
    const head = heads[first];
    const stream = streams[first];
    if (head === undefined || head.done || stream === undefined) return;
    yield head.value;
    heads[first] = await stream.next();
  }
}

async function* readSource({ name, access }: EventSource, filter: EventFilter): AsyncGenerator<Event> {
  const neverStop = new AbortController().signal;
  let after: Json | undefined = undefined;
  while (true) {
    const pageFilter = { ...filter, after };
    const read = () => readPage({ name, access }, pageFilter);
    // The first call fails at once, to report a wrong address or key. Later failures may be temporary.
    const page: z.output<typeof event>[] = await (after === undefined ? read() : withRetries(read, neverStop));
    for (const row of page) yield { project: name, ...row };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_ROWS) return;
    after = { occurred_at: last.occurred_at, id: last.id };
  }
}

function readPage({ name, access }: EventSource, filter: Json): Promise<z.output<typeof event>[]> {
  return name === "governance-hub"
    ? callHub(access, "list_events", { filter }, z.array(event))
    : callVault(access, "list_events", { filter }, z.array(event));
}

/** The index of the earliest event, or -1. */
function earliest(heads: IteratorResult<Event, void>[]): number {
  let first = -1;
  let moment = "";
  for (const [index, head] of heads.entries()) {
    // Compared as text: both databases write UTC, and a Date has no microseconds.
    if (head.done || (first >= 0 && head.value.occurred_at >= moment)) continue;
    first = index;
    moment = head.value.occurred_at;
  }
  return first;
}
