/** What the records of both projects have in common. */

import * as z from "zod/mini";
import { eventCursor, limit, oneOf, time } from "./fields.ts";

/** Members of an event in an answer, beside what it was done to. */
export const event = {
  id: z.string(),
  occurred_at: z.string(),
  action: z.string(),
  actor_kind: z.string(),
  /** Null for an operator, who has no key. */
  actor_id: z.nullable(z.string()),
  /** The `x-request-id` of the request, by which its log line is found. */
  request_id: z.nullable(z.string()),
};

/** Parameters of a query for events; `until` is exclusive. */
export function eventFields(actions: readonly string[]) {
  return {
    action: z.optional(oneOf(actions)),
    since: z.optional(time),
    until: z.optional(time),
    limit,
    cursor: z.optional(eventCursor),
  };
}
