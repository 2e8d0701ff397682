/** The fields that the events of both projects share. */

import * as z from "zod/mini";
import { id, moment, text } from "./response_fields.ts";
import { documented } from "./annotate.ts";
import { eventCursor, limit, oneOf, time } from "./request_fields.ts";

/** Members of an event in an answer, besides those of the server or credential. */
export function event(actions: readonly string[]) {
  return {
    id: id(),
    occurred_at: moment(),
    action: documented(z.string(), { enum: actions }),
    actor_kind: text("agent", { enum: ["agent", "kernel", "operator"] }),
    /** Null for an operator, who has no key. */
    actor_id: z.nullable(id()),
    /** The `x-request-id` of the request, which is also in its log line. */
    request_id: z.nullable(text("trace-1")),
  };
}

/** Parameters of a query for events; `until` is exclusive. */
export function eventFields(actions: readonly string[]) {
  return {
    action: z.optional(oneOf(actions)),
    since: z.optional(time()),
    until: z.optional(time()),
    limit: limit(),
    cursor: z.optional(eventCursor()),
  };
}
