/** What the Executor tells of a tenant's servers: to the hub, and through it to operators. Redacted already. */

import type { Slot } from "../processes/slot.ts";

export function statusOf(slot: Slot) {
  const { server, state, since, restarts, calls, inFlight, lastExit, lastError } = slot;
  const { pid: _, garbageLines, errors } = slot.process;
  return {
    id: server.id,
    server_id: server.server_id,
    version: server.version,
    state,
    since,
    restarts,
    calls,
    calls_in_flight: inFlight,
    last_exit: lastExit ?? null,
    last_error: lastError ?? null,
    garbage_lines: garbageLines,
    error_output: errors,
  };
}
