/** A call that is repeated when a later one may succeed: a long run outlives a restart of the database. */

import { CallError } from "./call.ts";

/** Sixteen seconds together: longer than a database takes to restart. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000];

/** @throws {CallError} the last failure, and a failure that is not passing, or that comes after `stop`. */
export async function withRetries<T>(call: () => Promise<T>, stop: AbortSignal): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallError && error.isPassing) || stop.aborted) throw error;
      await pause(pauseMs, stop);
    }
  }
  return await call();
}

/** Ends early when the signal is given. */
function pause(ms: number, stop: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  stop.addEventListener("abort", () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}
