/** How much progress and how many log messages of a call are passed on. What a client does not read waits in memory. */

/** In characters, of the text in one notice. */
export const MAX_NOTICE_LENGTH = 4096;

const BURST = 100;
const PER_SECOND = 20;

/** A token bucket. Progress that it refuses still moves the call's time limit. */
export class NoticeLimit {
  #left = BURST;
  #last: number;

  /** `now` is in milliseconds, here and below. */
  constructor(now: number) {
    this.#last = now;
  }

  /** Whether one more notification may be passed on. */
  takes(now: number): boolean {
    this.#left = Math.min(BURST, this.#left + (now - this.#last) / 1000 * PER_SECOND);
    this.#last = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
