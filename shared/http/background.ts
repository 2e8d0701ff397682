/** Work that goes on after the answer. The platform ends an instance that has nothing to wait for. */

import { describeCause } from "../request_log.ts";

interface EdgeRuntime {
  waitUntil(work: Promise<unknown>): void;
}

/** Nobody waits for the work, so a failure is only logged. `what` says what failed. */
export function inBackground(what: string, requestId: string, work: Promise<unknown>): void {
  const settled = work.catch((error) => {
    const entry = { time: new Date().toISOString(), request_id: requestId, failed: what, cause: describeCause(error) };
    // deno-lint-ignore no-console -- the platform collects standard output
    console.log(JSON.stringify(entry));
  });
  const { EdgeRuntime } = globalThis as { EdgeRuntime?: EdgeRuntime };
  EdgeRuntime?.waitUntil(settled);
}
