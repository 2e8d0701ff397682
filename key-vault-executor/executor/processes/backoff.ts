/** How long a server rests after it failed. */

/**
 * In milliseconds, after so many failures in a row: twice as long each time, up to a limit, and up to a quarter more by
 * chance. Servers that failed together, as when their service is down, do not come back together.
 */
export function backoffMs(failures: number, firstMs: number, maxMs: number, random = Math.random): number {
  return Math.min(maxMs, firstMs * 2 ** (failures - 1)) * (1 + random() / 4);
}
