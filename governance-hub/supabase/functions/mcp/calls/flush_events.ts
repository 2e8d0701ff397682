/** Waits until events are on the disk. One call of the database does it for all tool calls that wait. */

import { callFunction, type DatabaseAccess } from "shared/database/call_function.ts";
import type { Database } from "../../../database.types.ts";

/** The flush that is under way, and the one that begins after it. */
let current: Promise<unknown> | undefined;
let next: Promise<unknown> | undefined;

/** Resolves when every event that is in the database now is on the disk. @throws {ApiError} */
export function flushEvents(database: DatabaseAccess): Promise<unknown> {
  if (current === undefined) return current = flush(database);
  // The current one may have begun before the caller's event was there.
  return next ??= current.catch(() => {}).then(() => {
    next = undefined;
    return current = flush(database);
  });
}

async function flush(database: DatabaseAccess): Promise<void> {
  try {
    await callFunction<Database, "flush_events">(database, "flush_events", {}, () => {});
  } finally {
    if (next === undefined) current = undefined;
  }
}
