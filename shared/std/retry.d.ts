/** Times are in milliseconds. The pause is `minTimeout` × `multiplier` for each attempt before, `maxTimeout` at most. */
export interface RetryOptions {
  minTimeout?: number;
  multiplier?: number;
  maxTimeout?: number;
  maxAttempts?: number;
  /** The part of a pause that is random, from 0 to 1. */
  jitter?: number;
  isRetriable?: (error: unknown) => boolean;
  signal?: AbortSignal;
}

/** @throws {Error} one whose `cause` is the last failure; a failure that is not retriable; the reason of the signal. */
export function retry<T>(call: () => Promise<T>, options?: RetryOptions): Promise<T>;
