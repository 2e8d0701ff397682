/** Retries transient failures, so that a long run survives a restart of the database. */

import { retry } from "@std/async/retry";
import { CallError } from "./call.ts";

/** The pauses add up to sixteen seconds, longer than a database takes to restart. */
const PAUSES = { minTimeout: 250, multiplier: 2, maxTimeout: 8000, maxAttempts: 7, jitter: 0 };

/** @throws {CallError} the last failure. Does not retry a failure that is not transient or comes after `stop`. */
export async function withRetries<T>(call: () => Promise<T>, stop: AbortSignal): Promise<T> {
  if (stop.aborted) return await call();
  let failure: unknown;
  const isRetriable = (error: unknown) => {
    failure = error;
    return error instanceof CallError && error.isTransient && !stop.aborted;
  };
  return await retry(call, { ...PAUSES, isRetriable, signal: stop }).catch(() => {
    throw failure;
  });
}
