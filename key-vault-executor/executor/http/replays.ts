/** Decisions that were used: each may be used once. */

import { CLOCK_TOLERANCE, type Decision, DecisionRefused } from "shared/decision/decision.ts";

/** Above the decisions that an Executor can serve in a minute. When it is full it refuses, rather than forget. */
const DEFAULT_CAPACITY = 500_000;

/** Remembers the ids of decisions until they have expired. It is in memory: after a restart, older decisions are refused. */
export class Replays {
  /** From an id to the second in which it is refused as expired, in the order of arrival. */
  readonly #seen = new Map<string, number>();

  /** `since` is when it began to remember, in seconds. */
  constructor(readonly capacity = DEFAULT_CAPACITY, readonly since = 0) {}

  /** Of an Executor that begins now. */
  static sinceNow(): Replays {
    return new Replays(DEFAULT_CAPACITY, Math.floor(Date.now() / 1000));
  }

  /** @throws {DecisionRefused} if the decision was used before. `now` is in seconds. */
  use({ jti, iat, exp }: Decision, now = Date.now() / 1000): void {
    this.#forget(now);
    if (iat < this.since) throw new DecisionRefused("the decision is from before the Executor's start");
    if (this.#seen.has(jti)) throw new DecisionRefused("the decision was used before");
    if (this.#seen.size >= this.capacity) throw new DecisionRefused("too many decisions within a minute");
    this.#seen.set(jti, exp + CLOCK_TOLERANCE);
  }

  get size(): number {
    return this.#seen.size;
  }

  /** Lifetimes are nearly equal, so the oldest ids expire first: those behind one that is kept wait a little longer. */
  #forget(now: number): void {
    for (const [id, end] of this.#seen) {
      // `verifyDecision` compares whole seconds.
      if (end >= Math.floor(now)) return;
      this.#seen.delete(id);
    }
  }
}
